"""A host that does not lead: does the work that the leader hands out, and ends with the leader's result."""

import signal
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import FrameType

from finetune.training.hosts import Hosts
from finetune.training.launch import FAILURE, JOIN_S, POLL_S
from finetune.training.line import Line, call
from finetune.training.ranks import Ranks


def follow(hosts: Hosts, environment: Mapping[str, str]) -> int:
    """Works until the leader says that the step has ended, or is gone; gives 0 if the step succeeded, else 1."""
    signal.signal(signal.SIGTERM, _leave)
    line = call(hosts.leader, hosts.port, JOIN_S)
    if line is None:
        return _failed(f"the leader, {hosts.leader}, did not answer within {JOIN_S:.0f} s")
    line.send(host=hosts.current)
    try:
        with tempfile.TemporaryDirectory() as folder:
            error = _work(line, hosts, environment, Path(folder))
    finally:
        line.close()
    if error is None:
        return 0
    print(f"the leader, {hosts.leader}, failed", file=sys.stderr)
    return _failed(error)


def _work(line: Line, hosts: Hosts, environment: Mapping[str, str], folder: Path) -> str | None:
    """Gives the leader's error, None if it succeeded."""
    ranks, told = Ranks(), False
    try:
        while True:
            for message in line.messages():
                if "end" in message:
                    return str(message["end"]) if message["end"] is not None else None
                ranks = Ranks.start(message["work"], hosts, environment, folder)
            if line.closed:
                return f"the leader, {hosts.leader}, ended without a word; its memory may have run out"
            failure = ranks.failure()
            if failure is not None and not told:
                told = True
                line.send(failed=failure)
            time.sleep(POLL_S)
    finally:
        ranks.end()


def _failed(reason: str) -> int:
    print(reason, file=sys.stderr, flush=True)
    if FAILURE.parent.is_dir():
        FAILURE.write_text(reason, encoding="utf-8")
    return 1


def _leave(number: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + number)
