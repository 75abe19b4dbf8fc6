"""Copies one file so that its destination is complete or absent, never half written."""

import errno
import hashlib
import os
import shutil
from pathlib import Path

from finetune.errors import ReconcileError

CHUNK = 1 << 20


def hash_file(path: str | Path) -> str:
    """SHA-256 of a file's content as 64 hexadecimal digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def copy_file(source: str | Path, destination: str | Path, expected_hash: str) -> None:
    """Copies a file through a temporary name beside the destination and checks its hash on the way.

    Raises:
        ReconcileError: The file cannot be read or written, or its content is not the expected one.
    """
    scratch = f"{destination}.{os.getpid()}.part"
    try:
        digest = _copy_content(source, scratch)
        if digest != expected_hash:
            raise ReconcileError(
                f"copy {source} -> {destination}: the file changed while it was read "
                f"(SHA-256 {expected_hash} before, {digest} now); start the run again"
            )
        os.replace(scratch, destination)
    except OSError as error:
        raise _explained(error, source, destination) from error
    finally:
        Path(scratch).unlink(missing_ok=True)


def _copy_content(source: str | Path, destination: str) -> str:
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


def _explained(error: OSError, source: str | Path, destination: str | Path) -> ReconcileError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        folder = Path(destination).parent
        free = shutil.disk_usage(folder).free
        return ReconcileError(
            f"copy {source} -> {destination}: the disk of {folder} is full ({free:,} bytes free); nothing is lost: "
            f"make room, or set root: to a larger disk, and start again; what is copied already stays"
        )
    return ReconcileError(f"copy {source} -> {destination}: {error.strerror} ({error.filename})")
