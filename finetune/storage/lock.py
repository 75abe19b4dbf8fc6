"""Locks on local files that the operating system takes back when their holder dies."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from finetune.progress import say


class Lasting:
    """A lock that cannot be lost while its holder lives."""

    def check(self) -> None:
        """Nothing: the operating system keeps it."""


@contextmanager
def locked(path: Path, what: str) -> Iterator[Lasting]:
    """Holds the lock at `path`, waiting for it and saying so while another process holds it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+") as file:
        if not _try_lock(file.fileno()):
            file.seek(0)
            say(f"{what} is busy in process {file.read().strip() or '?'}; waiting for it to finish")
            fcntl.flock(file, fcntl.LOCK_EX)
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield Lasting()


@contextmanager
def try_locked(path: Path) -> Iterator[Lasting | None]:
    """Holds the lock at `path` if it is free; gives None if another process holds it."""
    with path.open("a+") as file:
        yield Lasting() if _try_lock(file.fileno()) else None


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
