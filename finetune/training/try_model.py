"""Tries get_model and compute_metrics: one forward and one backward pass on the CPU."""

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import datasets
import numpy as np
import torch

from finetune.calls import call
from finetune.errors import FunctionsError
from finetune.evaluation.direction import check_best_metric, check_gates, check_objective
from finetune.evaluation.scores import default_metrics
from finetune.functions import Functions
from finetune.prepare.alike import Reads
from finetune.prepare.columns import GUID, LABELS
from finetune.prepare.watched import Noted
from finetune.training.at_once import fits_at_once, try_fit
from finetune.training.collate import Collator
from finetune.training.outputs import loss_and_logits

FORWARD = "the model's forward"


def try_model(
    functions: Functions,
    examples: datasets.Dataset,
    *,
    model: dict[str, Any],
    labels: list[str],
    padding: Mapping[str, float],
    best_metric: str,
    objective: str | None = None,
    gate: Sequence[str] = (),
    first: Sequence[str] = (),
) -> Reads:
    """Builds the model and calls it as training, evaluation and prediction do; without examples it is only built.

    Returns:
        The keys of the model section that get_model read.

    Raises:
        FunctionsError: get_model, the model's forward or compute_metrics breaks its contract.
        TrainError: The examples cannot make a batch.
    """
    section = Noted(model)
    module = call("get_model", functions.get_model, section, list(labels))
    if not isinstance(module, torch.nn.Module):
        raise FunctionsError(f"get_model must return a torch.nn.Module, but got {type(module).__name__}")
    if len(examples) == 0:
        return section.read
    features = [name for name in examples.column_names if name != GUID]
    batch = Collator(features, padding)([examples[index] for index in range(len(examples))])
    logits = _try_training(module, batch, labels)
    _try_prediction(module, batch)
    probabilities = torch.softmax(logits.detach().float(), dim=-1).numpy()
    compute_metrics = functions.compute_metrics or default_metrics
    metrics = call("compute_metrics", compute_metrics, probabilities, batch[LABELS].numpy(), list(labels))
    _check_metrics(metrics, best_metric)
    if objective is not None:
        check_objective(objective, metrics)
    check_gates(gate, first, metrics)
    return section.read


def _try_training(module: torch.nn.Module, batch: dict[str, torch.Tensor], labels: Sequence[str]) -> torch.Tensor:
    _check_arguments(FORWARD, module, batch)
    at_once = fits_at_once(module)
    if at_once:
        try_fit(module, batch)
    outputs = call(FORWARD, module, **batch)
    loss, logits = loss_and_logits(outputs)
    if loss is None or logits is None:
        keys = list(outputs) if isinstance(outputs, Mapping) else type(outputs).__name__
        raise FunctionsError(f"{FORWARD} must return a dict with loss and logits, but got {keys}")
    shape = (len(batch[LABELS]), len(labels))
    if not isinstance(logits, torch.Tensor) or logits.shape != shape:
        found = tuple(logits.shape) if isinstance(logits, torch.Tensor) else type(logits).__name__
        raise FunctionsError(f"the model's logits must have shape (examples, labels) {shape}, but got {found}")
    if not isinstance(loss, torch.Tensor) or loss.ndim or not (at_once or loss.requires_grad):
        raise FunctionsError("the model's loss must be one number with a gradient; compute it from logits and labels")
    if not loss.isfinite():
        raise FunctionsError(f"the model's loss must be a finite number, but on a few examples it is {loss.item()}")
    if not at_once:
        call("the backward pass", loss.backward)
    return logits


def _try_prediction(module: torch.nn.Module, batch: Mapping[str, torch.Tensor]) -> None:
    inputs = {name: tensor for name, tensor in batch.items() if name != LABELS}
    what = f"{FORWARD} without labels, as prediction calls it,"
    _check_arguments(what, module, inputs)
    with torch.inference_mode():
        _, logits = loss_and_logits(call(what, module.eval(), **inputs))
    if logits is None:
        raise FunctionsError(f"{FORWARD} must return logits when it gets no labels, as prediction calls it")


def _check_arguments(what: str, module: torch.nn.Module, batch: Mapping[str, torch.Tensor]) -> None:
    try:
        signature = inspect.signature(module.forward)
    except ValueError:  # compiled code may not say what it takes; the call shows it
        return
    try:
        signature.bind(**batch)
    except TypeError as error:
        raise FunctionsError(
            f"{what} gets the features of get_dataset_features by these names: {', '.join(batch)}; but {error}; "
            f"mend forward, or get_dataset_features and encode_data"
        ) from error


def _check_metrics(metrics: Any, best_metric: str) -> None:
    number = (int, float, np.number)
    if not isinstance(metrics, Mapping) or not all(isinstance(value, number) for value in metrics.values()):
        raise FunctionsError(f"compute_metrics must return a dict of floats, but got {metrics!r:.500}")
    check_best_metric(best_metric, metrics)
