"""Local paths for artifacts: in place on a local store, through a temporary folder on a remote one."""

import atexit
import os
import shutil
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from zenml.io import fileio
from zenml.materializers.base_materializer import BaseMaterializer

from finetune.storage.folder import fetch_folder, put_folder
from finetune.storage.uri import is_s3

THREADS = 8
"""Files that move at the same time to or from a store that is not S3."""


def stored_path(materializer: BaseMaterializer) -> Path:
    """The local path of an artifact's folder; files of a remote store are fetched first."""
    uri = materializer.uri
    if materializer.artifact_store.config.is_local:
        return Path(uri)
    target = scratch_folder()
    if is_s3(uri):
        fetch_folder(uri, target)
    else:
        _fetch(uri, target)
    return target


def _fetch(uri: str, target: Path) -> None:
    pairs: list[tuple[str, str]] = []
    for folder, _, files in fileio.walk(uri):
        inside = os.path.relpath(os.fsdecode(folder), uri)
        (target / inside).mkdir(parents=True, exist_ok=True)
        names = map(os.fsdecode, files)
        pairs += [(os.path.join(os.fsdecode(folder), name), str(target / inside / name)) for name in names]
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(lambda pair: fileio.copy(*pair), pairs))


def store_folder(materializer: BaseMaterializer, source: Path, last: Sequence[str] = ()) -> None:
    """Copies the files of a local folder, and of those in it, into an artifact's folder; those named, last."""
    if is_s3(materializer.uri):
        put_folder(
            source, materializer.uri, last, getattr(materializer.artifact_store.config, "s3_additional_kwargs", None)
        )
        return
    names = sorted(path.relative_to(source).as_posix() for path in source.rglob("*") if path.is_file())
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(lambda name: store_file(materializer, source / name, name), sorted(set(names) - set(last))))
    for name in last:
        store_file(materializer, source / name, name)


def store_file(materializer: BaseMaterializer, source: Path, name: str) -> None:
    """Copies one local file into an artifact's folder."""
    target = f"{materializer.uri}/{name}"
    fileio.makedirs(os.path.dirname(target))
    fileio.copy(str(source), target, overwrite=True)


def place_file(materializer: BaseMaterializer, source: Path, name: str) -> None:
    """Brings a local file that never changes into an artifact's folder: by a link where store and file share a disk."""
    if materializer.artifact_store.config.is_local:
        Path(materializer.uri).mkdir(parents=True, exist_ok=True)
        with suppress(OSError):  # another disk, or one that knows no links
            os.link(source, Path(materializer.uri, name))
            return
    store_file(materializer, source, name)


def scratch_folder() -> Path:
    """A temporary folder that lives as long as this process: artifacts are stored from it, or read from it."""
    folder = Path(tempfile.mkdtemp(prefix="artifact-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
