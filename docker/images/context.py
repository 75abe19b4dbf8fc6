"""The build context: the files that .dockerignore lets in, with their hashes."""

import hashlib
import os
from pathlib import Path

from docker.utils.build import exclude_paths

from images.fingerprint import Ingredient

EXECUTABLE = 0o111


def context_files(root: Path) -> list[str]:
    """Gives the files and links that docker copies for `COPY .`, relative to root, sorted; .dockerignore is none.

    PyPI's docker package reads the patterns as docker itself does.
    """
    lines = (root / ".dockerignore").read_text(encoding="utf-8").splitlines()
    patterns = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    found = {path for path in exclude_paths(str(root), patterns) if _is_copied(root / path)}
    return sorted(Path(path).as_posix() for path in found - {".dockerignore", "Dockerfile"})


def context(root: Path) -> dict[str, Ingredient]:
    """Gives each file's ingredient by its path."""
    return {path: _ingredient(root / path) for path in context_files(root)}


def _is_copied(path: Path) -> bool:
    return path.is_symlink() or path.is_file()


def _ingredient(path: Path) -> Ingredient:
    if path.is_symlink():
        return Ingredient(hashlib.sha256(os.readlink(path).encode()).hexdigest(), link=True)
    content = hashlib.sha256(path.read_bytes()).hexdigest()
    return Ingredient(content, executable=bool(path.stat().st_mode & EXECUTABLE))
