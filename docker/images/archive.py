"""The build context as one zip file, the form in which CodeBuild takes it from S3."""

import io
import os
import stat
import zipfile
from collections.abc import Sequence
from pathlib import Path

from images.context import EXECUTABLE, context_files
from images.recipe import Recipe

NO_TIME = (1980, 1, 1, 0, 0, 0)
"""The first that a zip file can hold: times do not count in a tag either."""


def archive(root: Path, recipes: Sequence[Recipe]) -> bytes:
    """Gives a zip of the files that docker would send for these images, equal bytes for equal files.

    .dockerignore is among them: without it docker would copy the Dockerfiles themselves into the image.
    """
    paths = {*context_files(root), ".dockerignore", *(recipe.dockerfile for recipe in recipes)}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for path in sorted(paths):
            file.writestr(_entry(root, path), _content(root / path), zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def _entry(root: Path, path: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(path, NO_TIME)
    entry.create_system = 3  # Unix: only then do modes and links count
    entry.external_attr = _mode(root / path) << 16
    return entry


def _mode(path: Path) -> int:
    if path.is_symlink():
        return stat.S_IFLNK | 0o777
    return stat.S_IFREG | (0o755 if path.stat().st_mode & EXECUTABLE else 0o644)


def _content(path: Path) -> bytes:
    return os.readlink(path).encode() if path.is_symlink() else path.read_bytes()
