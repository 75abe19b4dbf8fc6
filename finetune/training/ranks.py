"""This host's training processes beside the step's own: start them, look for one that failed, end them."""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from finetune.training.hosts import Hosts

FAILED = ".failed"
_LONGEST = 900


class Ranks:
    """Processes that run finetune/training/rank.py."""

    def __init__(self, processes: Sequence[tuple[subprocess.Popen[bytes], Path]] = ()) -> None:
        self._processes = list(processes)

    @classmethod
    def start(cls, work: Mapping[str, Any], hosts: Hosts, environment: Mapping[str, str], folder: Path) -> Self:
        """Starts those of this host; the leader's first rank is the step itself."""
        file = folder / "work.json"
        file.write_text(json.dumps(work), encoding="utf-8")
        count = int(work["processes"])
        started = []
        for rank in hosts.ranks(count):
            if rank > 0:
                failure = folder / f"{rank}{FAILED}"
                command = [sys.executable, "-m", "finetune.training.rank", str(file), str(failure)]
                own = {**environment, **hosts.environment(rank, count)}
                started.append((subprocess.Popen(command, env=own), failure))
        return cls(started)

    def failure(self) -> str | None:
        """Why the first one failed that did; None if none has."""
        for process, file in self._processes:
            code = process.poll()
            if code:
                return file.read_text(encoding="utf-8") if file.is_file() else ended(code)
        return None

    def end(self) -> None:
        """Ends those that still run."""
        for process, _ in self._processes:
            process.kill()
            process.wait()


def ended(code: int) -> str:
    """How a process ended that left no message."""
    if code < 0:
        memory = "; its memory may have run out" if code == -9 else ""
        return f"the process was ended by signal {-code}{memory}"
    return f"the process ended with exit code {code}"


def shorten(error: BaseException) -> str:
    """An error as one message of at most 900 characters; SageMaker keeps 1,024 with its own words."""
    text = str(error) if type(error).__module__.startswith("finetune") else f"{type(error).__name__}: {error}"
    return text[:_LONGEST]
