"""Tries the five functions on a few real rows before anything runs: one forward and backward pass on the CPU."""

import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pyarrow as pa
import torch

from finetune.errors import FinetuneError, FunctionsError, ReconcileError
from finetune.functions import Functions
from finetune.prepare.encode import GUID, Encoder
from finetune.reconcile.guid import check_guid
from finetune.training.collate import LABELS, Collator, default_padding

ROWS_READ = 50_000
ROWS_TRIED = 4


def try_functions(
    functions: Functions,
    rows: Iterable[Mapping[str, Any]],
    *,
    production: Path,
    files_from_production: Sequence[str],
    files_at_home: Sequence[str],
    ignored_labels: Sequence[str],
    model: dict[str, Any],
    padding: Mapping[str, float],
) -> int:
    """Calls each function once on a few ids of production, in a folder that is removed afterwards.

    Args:
        functions: The experiment's functions.
        rows: Label rows; the first 50,000 are read.
        production: Production's folder of ids.
        files_from_production: Names of the files to copy.
        files_at_home: Names of the files that encode_data gets.
        ignored_labels: Labels that are not tried.
        model: The config's model section.
        padding: The config's pad values.

    Returns:
        The number of ids that were tried.

    Raises:
        FunctionsError: A function breaks its contract; the message names function, id and rule.
        ReconcileError: None of the rows has a label and all files.
    """
    labelled = [row for row in islice(rows, ROWS_READ) if row["label"] and row["label"] not in ignored_labels]
    labels = sorted({row["label"] for row in labelled})
    chosen = list(islice(_with_files(_one_of_each_label(labelled), production, files_from_production), ROWS_TRIED))
    if not chosen:
        raise ReconcileError(
            f"production: none of {len(labelled):,} labelled ids has {' and '.join(files_from_production)} in "
            f"{production}; check production.labels, production.files and files_from_production"
        )
    with tempfile.TemporaryDirectory() as scratch:
        instances = [
            _bring(functions, row, production, files_from_production, files_at_home, scratch) for row in chosen
        ]
        examples = _encode(functions, instances, labels, model)
    if examples is not None:
        features = [name for name in examples.column_names if name != GUID]
        pad = {**default_padding(model.get("checkpoint")), **padding}
        batch = Collator(features, pad)([examples[index] for index in range(len(examples))])
        _try_model(functions, batch, model, labels)
    return len(chosen)


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
    rows: Iterable[Mapping[str, Any]], production: Path, names: Sequence[str]
) -> Iterator[Mapping[str, Any]]:
    for row in rows:
        if check_guid(row["guid"]) is None and all((production / row["guid"] / name).is_file() for name in names):
            yield row


def _bring(
    functions: Functions,
    row: Mapping[str, Any],
    production: Path,
    names: Sequence[str],
    at_home: Sequence[str],
    home: str,
) -> dict[str, str]:
    guid = row["guid"]
    folder = Path(home, guid)
    folder.mkdir(exist_ok=True)
    files = {name: shutil.copyfile(production / guid / name, str(folder / name)) for name in names}
    if functions.process_func is not None:
        _call("process_func", guid, functions.process_func, dict(row), files, str(folder), True)
    missing = [name for name in at_home if not (folder / name).exists()]
    if missing:
        raise FunctionsError(
            f"reconcile.files_at_home: process_func did not write {', '.join(missing)} for id {guid}; "
            f"let it write them, or list them in production.files_from_production"
        )
    return {GUID: guid, **{name: str(folder / name) for name in at_home}}


def _encode(
    functions: Functions, instances: Sequence[Mapping[str, str]], labels: list[str], model: dict[str, Any]
) -> datasets.Dataset | None:
    features = _call("get_dataset_features", "-", functions.get_dataset_features, len(labels))
    if not isinstance(features, datasets.Features) or LABELS not in features:
        raise FunctionsError(
            f"get_dataset_features must return datasets.Features with an entry labels, but got {features!r}"
        )
    if not instances:
        return None
    columns = {name: [instance[name] for instance in instances] for name in instances[0]}
    names = [name for name in columns if name != GUID]
    label2id = {label: index for index, label in enumerate(labels)}
    with tempfile.NamedTemporaryFile() as ticks:
        encoded = Encoder(functions.encode_data, features, label2id, model, names, ticks.name)(columns)
    encoded.pop("truncated")
    try:
        typed = datasets.Features({GUID: datasets.Value("string"), **features})
        dataset = datasets.Dataset.from_dict(encoded, features=typed)
    except (pa.ArrowInvalid, pa.ArrowTypeError, TypeError, ValueError) as error:
        raise FunctionsError(f"encode_data's values do not fit get_dataset_features ({features}): {error}") from error
    return dataset if len(dataset) else None


def _try_model(functions: Functions, batch: dict[str, torch.Tensor], model: dict[str, Any], labels: list[str]) -> None:
    module = _call("get_model", "-", functions.get_model, model, labels)
    if not isinstance(module, torch.nn.Module):
        raise FunctionsError(f"get_model must return a torch.nn.Module, but got {type(module).__name__}")
    outputs = _call("the model's forward", "-", module, **batch)
    try:
        loss, logits = outputs["loss"], outputs["logits"]
    except (KeyError, TypeError, IndexError):
        loss = logits = None
    if loss is None or logits is None:
        found = list(outputs.keys()) if hasattr(outputs, "keys") else type(outputs).__name__
        raise FunctionsError(f"the model's forward must return a dict with loss and logits, but got {found}")
    shape = (len(batch[LABELS]), len(labels))
    if tuple(logits.shape) != shape:
        raise FunctionsError(
            f"the model's logits must have shape (examples, labels) {shape}, but got {tuple(logits.shape)}"
        )
    if loss.ndim or not loss.requires_grad:
        raise FunctionsError("the model's loss must be one number with a gradient; compute it from logits and labels")
    _call("the backward pass", "-", loss.backward)
    if functions.compute_metrics is not None:
        probabilities = torch.softmax(logits.detach().float(), dim=-1).numpy()
        _check_metrics(
            _call(
                "compute_metrics",
                "-",
                functions.compute_metrics,
                probabilities,
                batch[LABELS].numpy(),
                labels,
            )
        )


def _check_metrics(metrics: Any) -> None:
    if not isinstance(metrics, Mapping) or not all(
        isinstance(value, (int, float, np.number)) for value in metrics.values()
    ):
        raise FunctionsError(f"compute_metrics must return a dict of floats, but got {metrics!r}")


def _call(what: str, guid: str, function: Any, *args: Any, **settings: Any) -> Any:
    try:
        return function(*args, **settings)
    except FinetuneError:
        raise
    except Exception as error:
        where = f" for id {guid}" if guid != "-" else ""
        raise FunctionsError(f"{what} raised {type(error).__name__}: {error}{where}; mend functions.py") from error
