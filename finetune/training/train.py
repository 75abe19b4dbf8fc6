"""Trains a model on the train split and keeps the checkpoint that is best on the validation split."""

import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import torch
from accelerate.utils.memory import should_reduce_batch_size  # type: ignore[import-untyped]
from transformers import EarlyStoppingCallback, EvalPrediction, TrainingArguments, set_seed

from finetune.calls import call, model_section
from finetune.config.train import TrainConfig
from finetune.errors import TrainError
from finetune.evaluation.direction import check_best_metric, lower_is_better
from finetune.prepare.encode import GUID, LABELS
from finetune.training.collate import Collator, default_padding
from finetune.training.memory import keep_freed_memory
from finetune.training.model_folder import GetModel, ModelFacts, save
from finetune.training.precision import choose_precision
from finetune.training.trainer import ModuleTrainer, RefuseNaN, ShowProgress

TIMES = ("runtime", "samples_per_second", "steps_per_second", "total_flos")

ComputeMetrics = Callable[[np.ndarray, np.ndarray, list[str]], Mapping[str, float]]


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
    keep_freed_memory()
    set_seed(settings.seed)
    precision = choose_precision(settings.precision)
    features = [name for name in prepared["train"].column_names if name != GUID]
    padding = {**default_padding(model.get("checkpoint")), **settings.padding}
    trainer = ModuleTrainer(
        class_weights=_class_weights(prepared["train"], len(labels)) if settings.class_weights == "balanced" else None,
        group_by_length=settings.group_by_length,
        model=call("get_model", get_model, model_section(model), list(labels)),
        args=_arguments(settings, precision, checkpoints),
        train_dataset=prepared["train"],
        eval_dataset=prepared["validation"],
        data_collator=Collator(features, padding),
        compute_metrics=lambda prediction: dict(_validate(prediction, compute_metrics, labels, settings.best_metric)),
        callbacks=[RefuseNaN(), *_early_stopping(settings.early_stopping)],
    )
    started = time.perf_counter()
    with _kept_while_training(checkpoints), _shown(trainer), _memory_explained(settings):
        trainer.train()
    seconds = time.perf_counter() - started
    inputs = [name for name in features if name != LABELS]
    save(target, trainer.model, ModelFacts(functions, model, labels, inputs, padding))
    examples = len(prepared["train"]) * (trainer.state.epoch or 0)
    return Trained(_history(trainer.state.log_history), precision, seconds, examples / seconds)


@contextmanager
def _kept_while_training(checkpoints: Path) -> Iterator[None]:
    shutil.rmtree(checkpoints, ignore_errors=True)  # a killed run may have left some
    try:
        yield
    finally:
        shutil.rmtree(checkpoints, ignore_errors=True)


@contextmanager
def _shown(trainer: ModuleTrainer) -> Iterator[None]:
    progress = ShowProgress()
    trainer.add_callback(progress)
    try:
        yield
    finally:
        progress.close()


@contextmanager
def _memory_explained(settings: TrainConfig) -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:
        if not should_reduce_batch_size(error):
            raise
        raise TrainError(
            f"train.batch_size: a batch of {settings.batch_size} does not fit into the device's memory; halve it and "
            f"double train.gradient_accumulation ({settings.gradient_accumulation}) ({error})"
        ) from error


def _arguments(settings: TrainConfig, precision: str, folder: Path) -> TrainingArguments:
    return TrainingArguments(
        output_dir=str(folder),
        num_train_epochs=settings.epochs,
        per_device_train_batch_size=settings.batch_size,
        per_device_eval_batch_size=settings.batch_size * 2,
        learning_rate=settings.learning_rate,
        lr_scheduler_type=settings.schedule,
        warmup_steps=settings.warmup,  # below 1 it is a share of all steps
        weight_decay=settings.weight_decay,
        gradient_accumulation_steps=settings.gradient_accumulation,
        max_grad_norm=settings.gradient_clipping,
        bf16=precision == "bf16",
        fp16=precision == "fp16",
        eval_strategy="epoch",
        save_strategy="epoch",
        save_total_limit=1,
        save_only_model=True,
        load_best_model_at_end=True,
        metric_for_best_model=settings.best_metric,
        greater_is_better=not lower_is_better(settings.best_metric),
        logging_steps=settings.log_every,
        logging_nan_inf_filter=False,
        remove_unused_columns=False,  # the collator picks the features; Trainer would guess them from forward()
        label_names=[LABELS],
        seed=settings.seed,
        use_cpu=not torch.cuda.is_available(),
        dataloader_pin_memory=torch.cuda.is_available(),
        disable_tqdm=True,
        report_to=[],
    )


def _early_stopping(epochs: int | None) -> list[EarlyStoppingCallback]:
    return [] if epochs is None else [EarlyStoppingCallback(epochs)]


def _validate(
    prediction: EvalPrediction, compute_metrics: ComputeMetrics, labels: list[str], best_metric: str
) -> Mapping[str, float]:
    probabilities = torch.softmax(torch.as_tensor(prediction.predictions).float(), dim=-1).numpy()
    if not np.isfinite(probabilities).all():
        raise TrainError(
            "train: the model's answers on validation hold NaN or infinity; lower train.learning_rate, set "
            "train.precision: fp32, or look for odd values in the data"
        )
    references = np.asarray(prediction.label_ids)
    metrics: Mapping[str, float] = call("compute_metrics", compute_metrics, probabilities, references, labels)
    check_best_metric(best_metric, metrics)
    return metrics


def _class_weights(dataset: datasets.Dataset, count: int) -> torch.Tensor:
    """Balanced weights n / (labels * n_label), as in scikit-learn's class_weight="balanced" (King and Zeng 2001)."""
    counts = torch.bincount(torch.as_tensor(dataset[LABELS][:]), minlength=count)
    return len(dataset) / (count * counts.float())


def _history(log: list[dict[str, float]]) -> list[dict[str, float]]:
    points = ({_plain(name): value for name, value in entry.items() if not name.endswith(TIMES)} for entry in log)
    return [point for point in points if "loss" in point or "validation_loss" in point]


def _plain(name: str) -> str:
    return f"validation_{name.removeprefix('eval_')}" if name.startswith("eval_") else name
