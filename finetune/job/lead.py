"""The leader's side of a job: runs the step, hands its task to the other hosts, and tells them how it ended."""

import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from finetune.job.failure import FAILURE, ended
from finetune.job.hosts import HOSTS, JOIN_S, Hosts
from finetune.job.line import Line, listen
from finetune.job.task import WANTED, Task, blame_of, write

POLL_S, NOT_STARTED = 0.1, 127
GRACE_S, LEAVE_S = 30.0, 60.0
"""Until a step must have ended after another host failed; until hosts have hung up."""


def lead(hosts: Hosts, command: Sequence[str], environment: Mapping[str, str]) -> int:
    """Runs the step's command to its end and gives its exit code; with 128 added to a signal's number.

    Raises:
        OSError: The leader's port is taken.
    """
    with tempfile.TemporaryDirectory() as name:
        wanted = Path(name, "wanted.json")
        own = {**environment, HOSTS: hosts.to_json(), WANTED: str(wanted)}
        others = _Others(hosts)
        try:
            step = subprocess.Popen(list(command), env=own)
        except OSError as error:
            others.end(_told(f"the step's command cannot be started: {error}"))
            return NOT_STARTED
        signal.signal(signal.SIGTERM, lambda number, frame: step.send_signal(number))
        try:
            failure = _watch(step, others, wanted)
        finally:
            step.kill()
            code = step.wait()
        others.end(None if code == 0 else _told(failure or ended(code)))
        return 128 - code if code < 0 else code


def _watch(step: subprocess.Popen[bytes], others: "_Others", wanted: Path) -> str | None:
    """Waits for the step; gives the failure of another host that made it end."""
    asked, failure, deadline = False, None, float("inf")
    while step.poll() is None:
        others.listen()
        if not asked and wanted.is_file():
            asked = True
            others.ask(Task.from_json(wanted.read_text(encoding="utf-8")))
        if others.failure is not None and failure is None:
            failure, deadline = others.failure, time.monotonic() + GRACE_S
            write(blame_of(wanted), failure)
        if time.monotonic() > deadline:
            step.kill()
        time.sleep(POLL_S)
    return failure


def _told(reason: str) -> str:
    """The reason of the failure, unless the step has left its own; it stands where SageMaker looks for it."""
    if FAILURE.is_file():
        return FAILURE.read_text(encoding="utf-8", errors="replace")
    if FAILURE.parent.is_dir():
        write(FAILURE, reason)
    return reason


class _Others:
    """The lines to the other hosts."""

    def __init__(self, hosts: Hosts) -> None:
        self._missing = set(hosts.names[1:])
        self._listening: socket.socket | None = listen(hosts.leader, hosts.port) if self._missing else None
        self._lines: dict[str, Line] = {}
        self._unknown: list[Line] = []
        self._task: Task | None = None
        self.failure: str | None = None

    def listen(self) -> None:
        """Takes calls and messages; a host whose line ends has failed."""
        self._accept()
        for host, line in self._lines.items():
            for message in line.messages():
                self.failure = self.failure or f"{host}: {message['failed']}"
            if line.closed:
                self.failure = self.failure or f"{host} is gone"

    def ask(self, task: Task) -> None:
        """Gives all of them the task; those that call later get it then."""
        self._task = task
        for line in self._lines.values():
            line.send(task=task.to_json())

    def end(self, error: str | None) -> None:
        """Tells each how the step ended, once it has called, and waits until it hangs up."""
        ends = time.monotonic() + (JOIN_S if error is None else LEAVE_S)
        while self._missing and time.monotonic() < ends:
            self._accept()
            time.sleep(POLL_S)
        for line in self._lines.values():
            line.send(end=error)
        ends = time.monotonic() + LEAVE_S
        while not all(line.closed for line in self._lines.values()) and time.monotonic() < ends:
            for line in self._lines.values():
                list(line.messages())
            time.sleep(POLL_S)

    def _accept(self) -> None:
        while self._listening is not None:
            try:
                self._unknown.append(Line(self._listening.accept()[0]))
            except BlockingIOError:
                break
        for line in list(self._unknown):
            for message in line.messages():
                self._unknown.remove(line)
                self._know(str(message.get("host")), line)
                break

    def _know(self, host: str, line: Line) -> None:
        """A host has said its name; a stranger's line is closed."""
        if host not in self._missing:
            line.close()
            return
        self._missing.remove(host)
        self._lines[host] = line
        if self._task is not None:
            line.send(task=self._task.to_json())
