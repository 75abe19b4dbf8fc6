"""Local paths for artifacts: in place on a local store, through a temporary folder on a remote one."""

import tempfile
from pathlib import Path

from zenml.io import fileio
from zenml.materializers.base_materializer import BaseMaterializer


def stored_path(materializer: BaseMaterializer) -> Path:
    """The local path of an artifact's folder; files of a remote store are fetched first."""
    if materializer.artifact_store.config.is_local:
        return Path(materializer.uri)
    target = Path(tempfile.mkdtemp())
    for name in materializer.artifact_store.listdir(materializer.uri):
        fileio.copy(f"{materializer.uri}/{name!s}", str(target / str(name)))
    return target


def store_file(materializer: BaseMaterializer, source: Path, name: str) -> None:
    """Copies one local file into an artifact's folder."""
    fileio.copy(str(source), f"{materializer.uri}/{name}", overwrite=True)
