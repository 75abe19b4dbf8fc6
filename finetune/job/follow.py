"""A host that does not lead: does the task that the leader hands out, and ends with the leader's result."""

import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from finetune.job.failure import FAILURE, ended, left
from finetune.job.hosts import HOSTS, JOIN_S, Hosts
from finetune.job.lead import POLL_S
from finetune.job.line import Line, call
from finetune.job.task import Task

END_S = 10.0
"""For a share to end by itself, and again once it is asked to."""


def follow(hosts: Hosts, environment: Mapping[str, str]) -> int:
    """Works until the leader says that the step has ended, or is gone; gives 0 if the step succeeded, else 1."""
    with tempfile.TemporaryDirectory() as folder:
        share = _Share(hosts, environment, Path(folder))
        signal.signal(signal.SIGTERM, lambda number, frame: share.signal(number))
        line = call(hosts.leader, hosts.port, JOIN_S)
        if line is None:
            return _failed(f"the leader, {hosts.leader}, did not answer within {JOIN_S:.0f} s")
        line.send(host=hosts.current)
        try:
            error = _work(line, hosts, share)
            share.end(END_S if error is None else 0)
        finally:
            share.end(0)
            line.close()
    if error is None:
        return 0
    print(f"the leader, {hosts.leader}, failed", file=sys.stderr)
    return _failed(error)


def _work(line: Line, hosts: Hosts, share: "_Share") -> str | None:
    """Gives the leader's error, None if it succeeded."""
    told = False
    while True:
        for message in line.messages():
            if "end" in message:
                return str(message["end"]) if message["end"] is not None else None
            share.start(Task.from_json(message["task"]))
        if line.closed:
            return f"the leader, {hosts.leader}, ended without a word; its memory may have run out"
        failure = share.failure()
        if failure is not None and not told:
            told = True
            line.send(failed=failure)
        time.sleep(POLL_S)


class _Share:
    """This host's share of the task: one process, which may start others."""

    def __init__(self, hosts: Hosts, environment: Mapping[str, str], folder: Path) -> None:
        self._environment, self._folder = {**environment, HOSTS: hosts.to_json()}, folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, task: Task) -> None:
        """Begins."""
        self._process = subprocess.Popen([sys.executable, *task.put(self._folder)], env=self._environment)

    def failure(self) -> str | None:
        """Why it failed; None if it has not."""
        code = None if self._process is None else self._process.poll()
        return (left(self._folder) or ended(code)) if code else None

    def signal(self, number: int) -> None:
        """Hands a signal on: who trains saves first. Without work there is nothing to wait for."""
        if self._process is None:
            raise SystemExit(128 + number)
        self._process.send_signal(number)

    def end(self, patience_s: float) -> None:
        """Waits so long for its end, and ends it if it still runs."""
        process = self._process
        if process is None:
            return
        with suppress(subprocess.TimeoutExpired):
            process.wait(patience_s)
        if process.poll() is None:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(END_S)
        process.kill()
        process.wait()


def _failed(reason: str) -> int:
    print(reason, file=sys.stderr, flush=True)
    if FAILURE.parent.is_dir():
        FAILURE.write_text(reason, encoding="utf-8")
    return 1
