"""Turns the operating system's errors on files into ones that say what to do; a full disk is named."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from finetune.errors import ReconcileError


@contextmanager
def disk_errors(doing: str, place: str | Path) -> Iterator[None]:
    """Raises a ReconcileError in place of an OSError.

    Args:
        doing: What was being done, with the names of the files.
        place: Where it writes; its disk is the one that may be full.
    """
    try:
        yield
    except OSError as error:
        cause = f"{error.strerror or error}{f' ({error.filename})' if error.filename else ''}"
        raise ReconcileError(f"{doing}: {full_disk(error, place) or cause}") from error


def full_disk(error: Exception, place: str | Path) -> str | None:
    """Names the disk and says what to do, if the error is that the disk of `place` is full."""
    if not isinstance(error, OSError) or error.errno not in (errno.ENOSPC, errno.EDQUOT):
        return None
    disk = _disk(Path(error.filename or place))
    status = os.statvfs(disk)
    return (
        f"the disk {disk} is full ({status.f_bavail * status.f_frsize:,} bytes and {status.f_favail:,} files free); "
        f"make room, or set root: to a larger disk, and start again: what is done already stays"
    )


def _disk(place: Path) -> Path:
    """The folder at which the place's file system is mounted."""
    place = place.resolve()
    return next(folder for folder in (place, *place.parents) if os.path.ismount(folder) or folder == folder.parent)
