"""Tries the five functions on a few real rows before anything runs: one forward and backward pass on the CPU."""

import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import datasets

from finetune.calls import call
from finetune.errors import FunctionsError, PrepareError, ReconcileError
from finetune.functions import Functions
from finetune.prepare.encode import GUID, LABELS, OWN_COLUMNS, TRUNCATED, Encoder
from finetune.prepare.select import select_labels
from finetune.reconcile.guid import check_guid
from finetune.storage.storage import storage_of
from finetune.storage.uri import Place
from finetune.training.collate import default_padding
from finetune.training.try_model import try_model

ROWS_READ = 50_000
ROWS_TRIED = 4


class Tried(NamedTuple):
    """How much the functions were tried on."""

    ids: int
    """Ids that process_func and encode_data got; 0 where labels or files cannot be read from here."""
    examples: int
    """Examples that the model got; 0 if encode_data dropped all these ids."""


def try_functions(
    functions: Functions,
    rows: Iterable[Mapping[str, Any]],
    *,
    production: Place,
    files_from_production: Sequence[str],
    files_at_home: Sequence[str],
    ignored_labels: Sequence[str],
    num_labels_threshold: int,
    model: dict[str, Any],
    padding: Mapping[str, float],
    best_metric: str,
) -> Tried:
    """Calls each function once on a few ids of production, in a folder that is removed afterwards.

    Args:
        functions: The experiment's functions.
        rows: Label rows; labels are counted in all of them, ids are taken from the first 50,000.
        production: Production's folder of ids.
        files_from_production: Names of the files to copy.
        files_at_home: Names of the files that encode_data gets.
        ignored_labels: Labels that are left out.
        num_labels_threshold: Labels with fewer rows than this are left out.
        model: The config's model section.
        padding: The config's pad values.
        best_metric: The config's train.best_metric.

    Raises:
        FunctionsError: A function breaks its contract; the message names function, id and rule.
        PrepareError: encode_data raised or gave other features than promised; the message names id and file. Or
            ignored_labels or num_labels_threshold leave fewer than 2 labels.
        ReconcileError: None of the rows has a label and all files.
    """
    read, counts = _read(rows)
    labels = select_labels(counts, ignored=ignored_labels, threshold=num_labels_threshold).kept
    chosen = _choose(read, labels, production, files_from_production)
    with tempfile.TemporaryDirectory() as scratch:
        for row in chosen:
            _bring(functions, row, production, files_from_production, files_at_home, Path(scratch))
        guids = [row["guid"] for row in chosen]
        with _told_of_production(scratch, production, guids, files_from_production):
            examples = _encode(functions, guids, Path(scratch), files_at_home, labels, model)
    padding = {**default_padding(model.get("checkpoint")), **padding}
    try_model(functions, examples, model=model, labels=labels, padding=padding, best_metric=best_metric)
    return Tried(len(chosen), len(examples))


def _read(rows: Iterable[Mapping[str, Any]]) -> tuple[list[Mapping[str, Any]], Counter[str]]:
    """The first rows that have a label, and the rows of each label: at least as many as the ids that are kept of it."""
    read: list[Mapping[str, Any]] = []
    counts: Counter[str] = Counter()
    for row in rows:
        if row["label"] and row["label"].strip():
            counts[row["label"]] += 1
            if len(read) < ROWS_READ:
                read.append(row)
    return read, counts


def _choose(
    rows: Sequence[Mapping[str, Any]], labels: Sequence[str], production: Place, names: Sequence[str]
) -> list[Mapping[str, Any]]:
    """Rows of these labels to try, whose ids have all files."""
    labelled = [row for row in rows if row["label"] in labels]
    chosen = list(islice(_with_files(_one_of_each_label(labelled), production, names), ROWS_TRIED))
    if not chosen:
        if isinstance(production, Path) and not production.is_dir():
            raise ReconcileError(f"production.files: the folder {production} does not exist; correct the path")
        raise ReconcileError(
            f"production: none of {len(labelled):,} labelled ids has {' and '.join(names)} in {production}; check "
            f"production.labels, production.files and files_from_production"
        )
    return chosen


def _one_of_each_label(rows: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """All rows, those first that bring a label not seen before."""
    seen: set[str] = set()
    later = []
    for row in rows:
        if row["label"] in seen:
            later.append(row)
        else:
            seen.add(row["label"])
            yield row
    yield from later


def _with_files(
    rows: Iterable[Mapping[str, Any]], production: Place, names: Sequence[str]
) -> Iterator[Mapping[str, Any]]:
    exists = storage_of(production).exists
    for row in rows:
        if check_guid(row["guid"]) is None and all(exists(str(production / row["guid"] / name)) for name in names):
            yield row


def _bring(
    functions: Functions,
    row: Mapping[str, Any],
    production: Place,
    names: Sequence[str],
    at_home: Sequence[str],
    home: Path,
) -> None:
    guid = row["guid"]
    folder = home / guid
    folder.mkdir(exist_ok=True)
    files = {name: str(folder / name) for name in names}
    for name in names:
        storage_of(production).fetch(str(production / guid / name), folder / name)
    if functions.process_func is not None:
        call(f"process_func for id {guid}", functions.process_func, dict(row), files, str(folder), True)
    missing = [name for name in at_home if not (folder / name).exists()]
    if missing:
        who = "there is no process_func to write" if functions.process_func is None else "process_func did not write"
        raise FunctionsError(
            f"reconcile.files_at_home: {who} {', '.join(missing)} for id {guid}; "
            f"let it write them, or list them in production.files_from_production"
        )


def _encode(
    functions: Functions,
    guids: Sequence[str],
    home: Path,
    at_home: Sequence[str],
    labels: Sequence[str],
    model: dict[str, Any],
) -> datasets.Dataset:
    features = call("get_dataset_features", functions.get_dataset_features, len(labels))
    if not isinstance(features, datasets.Features) or LABELS not in features:
        raise FunctionsError(
            f"get_dataset_features must return datasets.Features with an entry labels, but got {features!r}"
        )
    taken = sorted(OWN_COLUMNS.keys() & features.keys())
    if taken:
        raise FunctionsError(f"get_dataset_features must leave the names {', '.join(taken)} to the library")
    batch = {GUID: list(guids)}
    label2id = {label: index for index, label in enumerate(labels)}
    with tempfile.NamedTemporaryFile() as ticks:
        table = Encoder(functions.encode_data, features, label2id, model, home, at_home, ticks.name)(batch)
    typed = datasets.Features({**OWN_COLUMNS, **features})
    return datasets.Dataset(table.cast(typed.arrow_schema)).remove_columns(TRUNCATED)


@contextmanager
def _told_of_production(scratch: str, production: Place, guids: Sequence[str], names: Sequence[str]) -> Iterator[None]:
    """Tells the paths of copied files as those in production: the copies are gone when a message is read."""
    try:
        yield
    except PrepareError as error:
        message = str(error)
        for guid in guids:
            for name in names:
                message = message.replace(f"{scratch}/{guid}/{name}", str(production / guid / name))
        raise PrepareError(message) from error
