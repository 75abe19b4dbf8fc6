"""Trains a model on the train split and keeps the checkpoint that is best on the validation split."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import datasets

from finetune.config.train import TrainConfig
from finetune.evaluation.direction import best_point
from finetune.prepare.encode import GUID, LABELS
from finetune.progress import say
from finetune.training.fit import ComputeMetrics, fit, padding_of
from finetune.training.group import with_others
from finetune.training.model_folder import GetModel, ModelFacts, save
from finetune.training.precision import choose_precision
from finetune.training.told import kept_line

TIMES = ("runtime", "samples_per_second", "steps_per_second", "total_flos")


@dataclass(frozen=True)
class Trained:
    """What training left behind beside the model folder."""

    history: list[dict[str, float]]
    """Points of the loss curve in order of step: step, epoch, and loss or validation_loss with its metrics."""
    precision: str
    seconds: float
    """Time in the training loop, validations included."""
    examples_per_second: float


def train(
    prepared: datasets.DatasetDict,
    *,
    labels: list[str],
    functions: str,
    get_model: GetModel,
    compute_metrics: ComputeMetrics,
    model: dict[str, Any],
    settings: TrainConfig,
    checkpoints: Path,
    target: Path,
) -> Trained:
    """Trains and writes the best model into a folder.

    Args:
        prepared: Splits train and validation with the columns guid, labels and the other features.
        labels: Label names in order of class id.
        functions: Name of the experiment's functions, written beside the weights.
        get_model: The experiment's function.
        compute_metrics: Probabilities (n, labels), references (n,) and labels to metrics.
        model: The config's model section.
        settings: The config's train section.
        checkpoints: Folder for checkpoints during training; removed when training is done.
        target: Folder that the model is written into.

    Raises:
        TrainError: The loss is not finite, or memory runs out.
        FunctionsError: get_model or compute_metrics raised, the latter does not return best_metric, or the model breaks
            its contract.
    """
    shutil.rmtree(checkpoints, ignore_errors=True)  # a killed run may have left some
    settled = settings.model_dump(mode="json")
    work = {"functions": functions, "labels": labels, "model": model, "settings": settled}
    try:
        with with_others(work, prepared):
            trainer, seconds = fit(
                prepared,
                labels=labels,
                get_model=get_model,
                compute_metrics=compute_metrics,
                model=model,
                settings=settings,
                checkpoints=checkpoints,
            )
    finally:
        shutil.rmtree(checkpoints, ignore_errors=True)
    history = _history(trainer.state.log_history)
    if best := best_point(history, settings.best_metric):
        say(kept_line(best, settings.best_metric))
    inputs = [name for name in prepared["train"].column_names if name not in (GUID, LABELS)]
    save(target, trainer.model, ModelFacts(functions, model, labels, inputs, padding_of(model, settings)))
    examples = len(prepared["train"]) * (trainer.state.epoch or 0)
    return Trained(history, choose_precision(settings.precision), seconds, examples / seconds)


def _history(log: list[dict[str, float]]) -> list[dict[str, float]]:
    points = ({_plain(name): value for name, value in entry.items() if not name.endswith(TIMES)} for entry in log)
    return [point for point in points if "loss" in point or "validation_loss" in point]


def _plain(name: str) -> str:
    return f"validation_{name.removeprefix('eval_')}" if name.startswith("eval_") else name
