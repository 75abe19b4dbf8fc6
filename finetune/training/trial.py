"""Tries the five functions on a few real rows before anything runs: one forward and backward pass on the CPU."""

import tempfile
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import datasets

from finetune.calls import call
from finetune.errors import FinetuneError, FunctionsError, PrepareError
from finetune.functions import Functions
from finetune.prepare.alike import Reads
from finetune.prepare.columns import GUID, LABELS, OWN_COLUMNS, TRUNCATED
from finetune.prepare.encoder import Encoder
from finetune.prepare.select import select_labels
from finetune.prepare.watched import Noted
from finetune.storage.uri import Place
from finetune.training.collate import default_padding
from finetune.training.trial_rows import bring, choose_rows, read_rows
from finetune.training.try_model import try_model
from finetune.training.unread import unread_keys
from finetune.tuning.encoded import refuse_encoded


class ModelTried(NamedTuple):
    """What the functions are tried with for one model."""

    section: dict[str, Any]
    """The config's model section."""
    padding: Mapping[str, float]
    """The pad values of its training."""
    best_metric: str
    """Its training's best_metric."""
    gate: Sequence[str] = ()
    """The metrics of its training's gate."""


class Tried(NamedTuple):
    """How much the functions were tried on."""

    ids: int
    """Ids that process_func and encode_data got; 0 where labels or files cannot be read from here."""
    examples: int
    """Examples that the model got, of several models the one with fewest; 0 if encode_data dropped all these ids."""
    reads: Mapping[str, Reads] = {}
    """What encode_data read of the section of each model."""
    unread: Mapping[str, Mapping[str, str | None]] = {}
    """Keys of each model's section that nobody read, with a key in its place that was asked for."""


def try_functions(
    functions: Functions,
    rows: Iterable[Mapping[str, Any]],
    *,
    production: Place,
    files_from_production: Sequence[str],
    files_at_home: Sequence[str],
    ignored_labels: Sequence[str],
    num_labels_threshold: int,
    models: Mapping[str, ModelTried],
    objective: str | None = None,
    searched: Sequence[str] = (),
    gate: Sequence[str] = (),
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
        models: The models by name; where there are several, a message names the one that it is about.
        objective: The config's tune.objective, if a study has one of its own.
        searched: Keys of the model section that a study searches.
        gate: Metrics that the config's register.gate names.

    Raises:
        FunctionsError: A function breaks its contract; the message names function, id and rule.
        PrepareError: encode_data raised or gave other features than promised; the message names id and file. Or
            ignored_labels or num_labels_threshold leave fewer than 2 labels.
        ReconcileError: None of the rows has a label and all files.
    """
    read, counts = read_rows(rows)
    labels = select_labels(counts, ignored=ignored_labels, threshold=num_labels_threshold).kept
    chosen = choose_rows(read, labels, production, files_from_production)
    with tempfile.TemporaryDirectory() as scratch:
        for row in chosen:
            bring(functions, row, production, files_from_production, files_at_home, Path(scratch))
        guids = [row["guid"] for row in chosen]
        encoded: dict[str, datasets.Dataset] = {}
        reads: dict[str, Reads] = {}
        for name, model in models.items():
            section = Noted(model.section)
            with _told_of_model(name, models), _told_of_production(scratch, production, guids, files_from_production):
                encoded[name] = _encode(functions, guids, Path(scratch), files_at_home, labels, section)
            reads[name] = section.read
            refuse_encoded(searched, section.read)
    unread = {}
    for name, model in models.items():
        with _told_of_model(name, models):
            built_with = _try(functions, encoded[name], model, labels, objective, gate)
        unread[name] = dict(unread_keys(model.section, reads[name], built_with))
    return Tried(len(chosen), min(map(len, encoded.values())), reads, unread)


def _try(
    functions: Functions,
    examples: datasets.Dataset,
    model: ModelTried,
    labels: list[str],
    objective: str | None,
    gate: Sequence[str],
) -> Reads:
    return try_model(
        functions,
        examples,
        model=model.section,
        labels=labels,
        padding={**default_padding(model.section.get("checkpoint")), **model.padding},
        best_metric=model.best_metric,
        objective=objective,
        gate=gate,
        first=model.gate,
    )


def _encode(
    functions: Functions,
    guids: Sequence[str],
    home: Path,
    at_home: Sequence[str],
    labels: Sequence[str],
    model: Mapping[str, Any],
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


@contextmanager
def _told_of_model(name: str, models: Collection[str]) -> Iterator[None]:
    """Says which of several models an error is about."""
    try:
        yield
    except FinetuneError as error:
        if len(models) == 1:
            raise
        raise type(error)(f"models.{name}: {error}") from error
