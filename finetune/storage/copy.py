"""Copies one file so that its destination is complete or absent, never half written."""

import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from finetune.errors import ReconcileError
from finetune.storage.disk import disk_errors

CHUNK = 1 << 20
SCRATCH = ".incoming"
"""Hidden, so that it is never taken for an artifact id."""


def hash_file(path: str | Path) -> str:
    """SHA-256 of a file's content as 64 hexadecimal digits."""
    with open(path, "rb", buffering=0) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


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


def copy_file(source: str | Path, destination: str | Path, expected_hash: str, *, scratch: str | Path) -> None:
    """Copies a file under a scratch name, checks its hash on the way, and moves it to its destination.

    Args:
        source: The file to copy.
        destination: Where it goes; what lies there is replaced, a link too.
        expected_hash: SHA-256 of the content.
        scratch: A path on the destination's file system that nothing else uses. A copy that fails leaves its
            beginning there.

    Raises:
        ReconcileError: The file cannot be read or written, or its content is not the expected one.
    """
    with disk_errors(f"copy {source} -> {destination}", os.path.dirname(destination)):
        _move_in(source, scratch, destination, expected_hash, _copy_content(source, scratch))


def move_in(source: str | Path, scratch: str | Path, destination: str | Path, expected_hash: str) -> None:
    """Moves what was fetched under a scratch name to its destination, if its content is the expected one.

    Raises:
        ReconcileError: It is not, or the file cannot be moved.
    """
    with disk_errors(f"copy {source} -> {destination}", os.path.dirname(destination)):
        _move_in(source, scratch, destination, expected_hash, hash_file(scratch))


def _move_in(source: str | Path, scratch: str | Path, destination: str | Path, expected_hash: str, digest: str) -> None:
    if digest != expected_hash:
        raise ReconcileError(
            f"copy {source} -> {destination}: the file changed while it was read "
            f"(SHA-256 {expected_hash} before, {digest} now); start the run again"
        )
    os.replace(scratch, destination)


def _copy_content(source: str | Path, destination: str | Path) -> str:
    digest = hashlib.sha256()
    with open(source, "rb", buffering=0) as reader, open(destination, "wb", buffering=0) as writer:
        while chunk := reader.read(CHUNK):
            digest.update(chunk)
            _write_all(writer.fileno(), chunk)
    return digest.hexdigest()


def _write_all(descriptor: int, chunk: bytes) -> None:
    rest = memoryview(chunk)
    while rest:  # a nearly full disk takes a part of the chunk, and fails at the next write
        rest = rest[os.write(descriptor, rest) :]
