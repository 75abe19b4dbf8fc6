"""Lists a folder of artifact ids: `<folder>/<guid>/<file>`. Links are never followed."""

import os
import stat
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from finetune.errors import ReconcileError
from finetune.storage.digest import Digest


class ListedFile(NamedTuple):
    """A file of one id; `version` changes whenever its content may have changed."""

    name: str
    size: int
    version: str
    digest: Digest | None = None
    """What the listing already knows of the content: in S3 the MD5 that an ETag may be."""


def list_ids(folder: str, names: Sequence[str]) -> Iterator[tuple[str, list[ListedFile]]]:
    """Yields each id of a folder with those of its files that are called for, in any order.

    Args:
        folder: The folder that holds one folder per id.
        names: File names that matter; others are left out.

    Raises:
        ReconcileError: The folder is missing or unreadable, or an id or a file in it is unreadable or a link.
    """
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                _refuse_link(entry.path, entry.is_symlink())
                if entry.is_dir(follow_symlinks=False):
                    yield entry.name, list_files(entry.path, names)
    except OSError as error:
        place = _shown(error.filename or folder)
        raise ReconcileError(
            f"production.files: cannot list {place}: {error.strerror}; correct the path or its permissions"
        ) from error


def list_files(folder: str, names: Sequence[str]) -> list[ListedFile]:
    """Lists those files of one id's folder that are called for, in the order of `names`."""
    return [listed for name in names if (listed := _stat(folder, name)) is not None]


def _stat(folder: str, name: str) -> ListedFile | None:
    path = os.path.join(folder, name)
    try:
        status = os.lstat(path)
    except FileNotFoundError:
        return None
    _refuse_link(path, stat.S_ISLNK(status.st_mode))
    if not stat.S_ISREG(status.st_mode):
        return None  # a folder has no content, and a pipe would be waited for without end
    # ctime too: it changes even when a tool sets back the modification time after writing
    return ListedFile(name, status.st_size, f"{status.st_mtime_ns}-{status.st_ctime_ns}-{status.st_ino}")


def _refuse_link(path: str, is_link: bool) -> None:
    if is_link:
        raise ReconcileError(
            f"production.files: {_shown(path)} is a link, and links are not followed because they may lead "
            f"out of production; put the real file or folder there, or remove the link"
        )


def _shown(path: str) -> str:
    """The path with bytes that are not UTF-8 as escapes, so that it can be printed."""
    return path.encode("utf-8", "backslashreplace").decode()
