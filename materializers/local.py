"""Local paths for artifacts: in place on a local store, through a temporary folder on a remote one."""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

from zenml.io import fileio
from zenml.materializers.base_materializer import BaseMaterializer


def stored_path(materializer: BaseMaterializer) -> Path:
    """The local path of an artifact's folder; files of a remote store are fetched first."""
    uri = materializer.uri
    if materializer.artifact_store.config.is_local:
        return Path(uri)
    target = scratch_folder()
    for folder, _, files in fileio.walk(uri):
        inside = os.path.relpath(os.fsdecode(folder), uri)
        (target / inside).mkdir(parents=True, exist_ok=True)
        for name in map(os.fsdecode, files):
            fileio.copy(os.path.join(os.fsdecode(folder), name), str(target / inside / name))
    return target


def store_folder(materializer: BaseMaterializer, source: Path) -> None:
    """Copies the files of a local folder, and of those in it, into an artifact's folder."""
    for path in sorted(source.rglob("*")):
        if path.is_file():
            store_file(materializer, path, path.relative_to(source).as_posix())


def store_file(materializer: BaseMaterializer, source: Path, name: str) -> None:
    """Copies one local file into an artifact's folder."""
    target = f"{materializer.uri}/{name}"
    fileio.makedirs(os.path.dirname(target))
    fileio.copy(str(source), target, overwrite=True)


def scratch_folder() -> Path:
    """A temporary folder that lives as long as this process: artifacts are stored from it, or read from it."""
    folder = Path(tempfile.mkdtemp(prefix="artifact-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
