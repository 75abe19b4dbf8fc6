"""Copies one file so that its destination is complete or absent, never half written."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path

from finetune.storage.digest import CHUNK, Digest, new_hasher
from finetune.storage.disk import disk_errors
from finetune.storage.failures import ObjectError
from finetune.storage.plan import Copy

SCRATCH = ".incoming"
"""Hidden, so that it is never taken for an artifact id."""


def hash_file(path: str | Path) -> str:
    """SHA-256 of a file's content as 64 hexadecimal digits."""
    return Digest.of_file(path).value


@contextmanager
def scratch_folder(parent: Path) -> Iterator[str]:
    """Gives an empty folder on the parent's file system, without what a killed process left in it.

    Raises:
        ReconcileError: It cannot be made.
    """
    folder = parent / SCRATCH
    shutil.rmtree(folder, ignore_errors=True)
    with disk_errors(f"make the folder {folder}", parent):
        folder.mkdir(parents=True)
    try:
        yield str(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def copy_file(file: Copy, scratch: str | Path) -> None:
    """Copies a local file under a scratch name, checks its hash on the way, and moves it to its destination.

    Args:
        file: What is copied, and where to; what lies there is replaced, a link too.
        scratch: A path on the destination's file system that nothing else uses. A copy that fails leaves its
            beginning there.

    Raises:
        ObjectError: The file cannot be read, or its content is not the expected one.
        ReconcileError: The disk fails.
    """
    folder = os.path.dirname(file.destination)
    with disk_errors(f"copy {file.source} -> {file.destination}", folder), _opened(file) as reader:
        _move_in(file, scratch, _copy_content(reader, scratch, file.digest.kind))


def _move_in(file: Copy, scratch: str | Path, found: Digest) -> None:
    if found != file.digest:
        raise _failed(
            file,
            f"the file changed, or its known hash is wrong ({found.kind} {file.digest.value} before, "
            f"{found.value} now); start the run again",
        )
    os.replace(scratch, file.destination)


def _failed(file: Copy, cause: str) -> ObjectError:
    return ObjectError("copy", file.source, file.destination, cause)


def _opened(file: Copy) -> FileIO:
    try:
        return FileIO(file.source)
    except OSError as error:
        raise _failed(file, error.strerror or str(error)) from error


def _copy_content(reader: FileIO, destination: str | Path, kind: str) -> Digest:
    hasher = new_hasher(kind)
    with open(destination, "wb", buffering=0) as writer:
        while chunk := reader.read(CHUNK):
            hasher.update(chunk)
            _write_all(writer.fileno(), chunk)
    return Digest(kind, hasher.hexdigest())


def _write_all(descriptor: int, chunk: bytes) -> None:
    rest = memoryview(chunk)
    while rest:  # a nearly full disk takes a part of the chunk, and fails at the next write
        rest = rest[os.write(descriptor, rest) :]
