"""A model.tar.gz: packed with equal bytes for equal files, and unpacked without trusting what it holds."""

import gzip
import io
import tarfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from finetune.errors import ServeError
from finetune.storage.disk import disk_errors

STORED = 0
"""gzip's level: of weights it saves a few per cent, for minutes of work on a large model."""


def pack(target: Path, contents: Mapping[str, Path | bytes]) -> None:
    """Writes the archive, complete or not at all; equal contents give equal bytes.

    Args:
        target: The file to write; its folder is made.
        contents: Files, or their bytes, by their path in the archive.

    Raises:
        ReconcileError: It cannot be written; a full disk is named.
    """
    part = target.with_name(f"{target.name}.part")
    with disk_errors(f"write {target}", target.parent):
        target.parent.mkdir(parents=True, exist_ok=True)
        with (
            part.open("wb") as file,
            gzip.GzipFile("", "wb", STORED, file, mtime=0) as packed,
            tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive,
        ):
            for name in sorted(contents):
                _add(archive, name, contents[name])
        part.rename(target)


def _add(archive: tarfile.TarFile, name: str, content: Path | bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.mode = 0o644
    with io.BytesIO(content) if isinstance(content, bytes) else content.open("rb") as file:
        entry.size = file.seek(0, io.SEEK_END)
        file.seek(0)
        archive.addfile(entry, file)


def unpack(archive: Path, folder: Path) -> None:
    """Unpacks into a folder; what would lie outside of it, and links and devices, are refused.

    Raises:
        ServeError: It is absent, torn or no such archive.
    """
    try:
        with tarfile.open(archive, "r:gz") as file:
            members = file.getmembers()
            for member in members:
                if not member.isreg() or not _stays(member.name):
                    raise tarfile.TarError(f"{member.name!r} is no file, or lies outside the folder")
            file.extractall(folder, members)
    except (OSError, EOFError, tarfile.TarError) as error:
        raise ServeError(
            f"{archive} cannot be unpacked: {error}; register the run again, which packs it anew"
        ) from error


def _stays(name: str) -> bool:
    """Whether a path lies in the folder that it is relative to. Python before 3.11.4 has no filter that asks this."""
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts
