"""Runs a model over examples, and a trained run's model over files."""

import json
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import torch
from transformers.utils import logging

from finetune.errors import EvaluateError
from finetune.evaluation.instances import check_instance, what_is_there
from finetune.functions import Functions, load_functions
from finetune.prepare.columns import GUID, LABELS
from finetune.prepare.encoder import examples_of
from finetune.storage.cache import local_folder
from finetune.storage.storage import storage_of
from finetune.storage.uri import Place, to_place
from finetune.training.collate import Collator
from finetune.training.model_folder import ModelFacts, load, read_facts
from finetune.training.outputs import loss_and_logits


def predict_probabilities(
    model: torch.nn.Module, examples: Sequence[Mapping[str, Any]], collate: Collator, batch_size: int
) -> np.ndarray:
    """Class probabilities (examples, labels) as float32, computed in fp32, in the order of the examples.

    Args:
        model: In eval mode; forward gives logits.
        examples: Encoded examples, at least one.
        collate: Makes a batch of them.
        batch_size: Examples a batch; batches hold examples of about one length.
    """
    device = next(iter(model.parameters()), torch.empty(0)).device
    order = sorted(range(len(examples)), key=lambda index: _length(examples[index]))
    parts = []
    with torch.inference_mode():
        for start in range(0, len(order), batch_size):
            batch = collate([examples[index] for index in order[start : start + batch_size]])
            _, logits = loss_and_logits(model(**{name: tensor.to(device) for name, tensor in batch.items()}))
            parts.append(torch.softmax(logits.float(), dim=-1).cpu())
    probabilities = np.empty((len(order), parts[0].shape[1]), dtype=np.float32)
    probabilities[order] = torch.cat(parts).numpy()
    return probabilities


def _length(example: Mapping[str, Any]) -> int:
    return max((len(value) for value in example.values() if isinstance(value, list)), default=0)


def mean_by_id(guids: Sequence[str], probabilities: np.ndarray) -> tuple[list[str], np.ndarray]:
    """Averages the probabilities of an id's examples; ids in order of their first example."""
    unique = list(dict.fromkeys(guids))
    place = {guid: index for index, guid in enumerate(unique)}
    rows = np.array([place[guid] for guid in guids])
    sums = np.zeros((len(unique), probabilities.shape[1]), dtype=np.float64)
    np.add.at(sums, rows, probabilities)
    return unique, (sums / np.bincount(rows)[:, None]).astype(np.float32)


def predict_split(
    dataset: datasets.Dataset, model: torch.nn.Module, facts: ModelFacts, batch_size: int
) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Predicts a split: guids, class ids (ids,) and probabilities (ids, labels), one row per id."""
    collate = Collator([*facts.features, LABELS], facts.padding)
    probabilities = predict_probabilities(model, dataset.to_list(), collate, batch_size)
    guids, means = mean_by_id(dataset[GUID][:], probabilities)
    references = dict(zip(dataset[GUID][:], dataset[LABELS][:], strict=True))
    return guids, np.array([references[guid] for guid in guids]), means


@contextmanager
def _quiet() -> Iterator[None]:
    """Keeps transformers from telling how it loads the checkpoint, whose weights the trained ones replace."""
    verbosity, bar = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    if bar:
        logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bar:
            logging.enable_progress_bar()


class Predictor:
    """A trained model that takes files, as production has them."""

    def __init__(self, folder: Path, checkpoint: str | None = None) -> None:
        """Loads the model folder of a run.

        Args:
            folder: The model folder.
            checkpoint: Where the pretrained checkpoint lies now; None: where the config said.

        Raises:
            EvaluateError: The folder is gone or incomplete, or get_model builds another one now.
        """
        facts = read_facts(folder)
        moved = {} if checkpoint is None else {"checkpoint": checkpoint}
        self.facts = replace(facts, model={**facts.model, **moved})
        self._functions: Functions = load_functions(self.facts.functions)
        with _quiet():
            self._model = load(folder, self.facts, self._functions.get_model)
        self._collate = Collator(self.facts.features, self.facts.padding)

    def predict(self, instances: Sequence[Mapping[str, str]]) -> list[dict[str, float] | None]:
        """Gives the probability of each label for each id, or None where encode_data drops it.

        Args:
            instances: For each id, the paths of its files by name, as encode_data takes them.

        Raises:
            PrepareError: encode_data raised (names the position in `instances` and its files).
            EvaluateError: An instance is no mapping, a file of it does not exist, or encode_data gives other features
                than it did for training.
        """
        for index, instance in enumerate(instances):
            check_instance(instance, index)
        return self.score([self.encode(instance, f"instance {index}") for index, instance in enumerate(instances)])

    def encode(self, instance: Mapping[str, str], what: str) -> list[dict[str, Any]]:
        """Gives the examples of one id's files, none where encode_data drops it.

        Args:
            instance: Paths by name.
            what: What an error calls it.

        Raises:
            PrepareError: encode_data raised, or returned something else.
            EvaluateError: It gives other features than it did for training.
        """
        examples = examples_of(self._functions.encode_data, instance, None, self.facts.model, what)
        missing = [name for name in self.facts.features if any(name not in example for example in examples)]
        if missing:
            raise EvaluateError(
                f"encode_data must return the features that the model was trained on, but for {what} "
                f"missing: {', '.join(missing)}; encode_data changed since training"
            )
        return examples

    def score(self, encoded: Sequence[Sequence[Mapping[str, Any]]]) -> list[dict[str, float] | None]:
        """Gives the probability of each label for each id, from its examples; None where it has none."""
        owners = [str(index) for index, examples in enumerate(encoded) for _ in examples]
        examples = [example for each in encoded for example in each]
        found: dict[str, np.ndarray] = {}
        if examples:
            probabilities = predict_probabilities(self._model, examples, self._collate, batch_size=32)
            found = dict(zip(*mean_by_id(owners, probabilities), strict=True))
        rows = [found.get(str(index)) for index in range(len(encoded))]
        return [None if row is None else dict(zip(self.facts.labels, row.tolist(), strict=True)) for row in rows]


def load_run(home: str | Path, number: int, model: str | None = None) -> Predictor:
    """Loads the model of one run of an experiment home, local or in S3; of several, the one of that name.

    Raises:
        EvaluateError: There is no such run, it has no model, or the model does not fit get_model any more.
    """
    place = to_place(str(home))
    record, content = _record(place, number)
    try:
        uri = _model_in(json.loads(content), number, model)
    except (OSError, ValueError, KeyError) as error:
        raise EvaluateError(f"{record} names no model; did run {number} finish training? ({error!r})") from error
    try:
        predictor = Predictor(local_folder(uri))
    except EvaluateError as error:
        raise EvaluateError(f"run {number} in {place}: {error}") from error
    if predictor.facts.of_other_code:
        warnings.warn(
            f"run {number} in {place}: encode_data or get_model of experiments/{predictor.facts.functions} changed "
            f"since it was trained: answers may differ from those in its report",
            stacklevel=2,
        )
    return predictor


def _model_in(record: Mapping[str, Any], number: int, model: str | None) -> str:
    models = record.get("models", {})
    good = [name for name, each in models.items() if "failure" not in each]
    if model not in (good if models else [None]):
        known = f"must be one of {', '.join(good) or 'none'}" if models else "has one model, so name none"
        raise EvaluateError(f"run {number}: the model {known}, but got {model!r}")
    return str(record["artifacts"]["model" if model is None else f"model_{model}"])


def _record(home: Place, number: int) -> tuple[Place, bytes]:
    storage, runs = storage_of(home), home / "runs"
    record = runs / str(number) / "run.json"
    if isinstance(home, Path) and not home.is_dir():
        raise EvaluateError(f"there is no experiment home {home}: {what_is_there(home)}")
    content = storage.read(str(record))
    if content is None:
        numbers = sorted(int(name) for name in storage.folders(str(runs)) if name.isdecimal())
        known = [str(each) for each in numbers if storage.exists(str(runs / str(each) / "run.json"))]
        raise EvaluateError(f"there is no run {number} in {home} (runs: {', '.join(known) or 'none'})")
    return record, content
