"""Tries the functions of the pipeline features on a few ids of production before anything runs."""

import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from itertools import islice
from pathlib import Path
from typing import Any

import datasets

from finetune.calls import call
from finetune.errors import FunctionsError, PrepareError, ReconcileError
from finetune.functions import Functions
from finetune.prepare.columns import OWN_COLUMNS
from finetune.prepare.encoder import Encoder
from finetune.storage.storage import storage_of
from finetune.storage.uri import is_s3, join

ROWS_READ, IDS_LOOKED_AT, IDS_TRIED = 100, 16, 2


def try_features(
    functions: Functions,
    rows: Iterable[Mapping[str, Any]],
    *,
    folder: str,
    patterns: Sequence[str],
    model: Mapping[str, Any],
) -> tuple[int, int]:
    """Calls the functions on small ones of the first ids whose files are all there; gives how many, and their rows.

    Raises:
        FunctionsError: A function breaks its contract.
        PrepareError: encode_data raised or gave other features than promised.
        ReconcileError: None of the first ids has its files.
    """
    features = call("get_dataset_features", functions.get_dataset_features, 0)
    if not isinstance(features, datasets.Features):
        raise FunctionsError(f"get_dataset_features must return datasets.Features, but got {features!r}")
    taken = sorted(OWN_COLUMNS.keys() & features.keys())
    if taken:
        raise FunctionsError(f"get_dataset_features must leave the names {', '.join(taken)} to the library")
    first = [row["guid"] for row in islice(rows, ROWS_READ)]
    found = dict(islice(_with_files(first, folder, patterns), IDS_LOOKED_AT))
    chosen = sorted(found, key=lambda guid: (_size(guid, found[guid], folder), guid))[:IDS_TRIED]
    if not chosen:
        raise ReconcileError(
            f"production: none of the first {len(first)} ids of the labels has {' and '.join(patterns)} in {folder}; "
            f"check production.labels, production.files and files_from_production"
        )
    with tempfile.TemporaryDirectory() as scratch:
        instances = {guid: _instance(guid, found[guid], folder, Path(scratch)) for guid in chosen}
        try:
            table = Encoder(functions.encode_data, features, None, model).table(instances)
        except PrepareError as error:
            raise PrepareError(str(error).replace(scratch, folder)) from error.__cause__
    return len(chosen), len(table)


def _with_files(guids: Iterable[str], folder: str, patterns: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    for guid in guids:
        names = [name for name in storage_of(folder).below(join(folder, guid)) if "/" not in name]
        if all(any(fnmatchcase(name, pattern) for name in names) for pattern in patterns):
            yield guid, [name for name in names if any(fnmatchcase(name, pattern) for pattern in patterns)]


def _size(guid: str, names: Iterable[str], folder: str) -> int:
    found = (storage_of(folder).find(join(folder, guid, name)) for name in names)
    return sum(file.size for file in found if file is not None)


def _instance(guid: str, names: Iterable[str], folder: str, scratch: Path) -> dict[str, str]:
    """Paths by name: in place, or of copies where the files lie in S3."""
    if not is_s3(folder):
        return {name: join(folder, guid, name) for name in sorted(names)}
    target = scratch / guid
    target.mkdir(parents=True)
    for name in names:
        storage_of(folder).fetch(join(folder, guid, name), target / name)
    return {name: str(target / name) for name in sorted(names)}
