"""Trains a model on the train split and keeps the checkpoint that is best on the validation split."""

import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import torch
from transformers import EarlyStoppingCallback, EvalPrediction, TrainingArguments, set_seed

from finetune.config.train import TrainConfig
from finetune.errors import TrainError
from finetune.training.collate import LABELS, Collator, default_padding
from finetune.training.model_folder import GetModel, ModelFacts, save
from finetune.training.precision import choose_precision
from finetune.training.trainer import ModuleTrainer, RefuseNaN, ShowProgress

LENGTH = "length"
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
        TrainError: The loss is not finite, best_metric is not computed, or memory runs out.
    """
    set_seed(settings.seed)
    precision = choose_precision(settings.precision)
    features = [name for name in prepared["train"].column_names if name != "guid"]
    padding = {**default_padding(model.get("checkpoint")), **settings.padding}
    trainer = ModuleTrainer(
        class_weights=_class_weights(prepared["train"], len(labels)) if settings.class_weights == "balanced" else None,
        model=get_model(model, labels),
        args=_arguments(settings, precision, checkpoints, by_length=settings.group_by_length),
        train_dataset=_with_lengths(prepared["train"]) if settings.group_by_length else prepared["train"],
        eval_dataset=prepared["validation"],
        data_collator=Collator(features, padding),
        compute_metrics=lambda prediction: dict(_validate(prediction, compute_metrics, labels, settings.best_metric)),
        callbacks=_callbacks(settings),
    )
    seconds = _run(trainer, settings)
    inputs = [name for name in features if name != LABELS]
    save(target, trainer.model, ModelFacts(functions, model, labels, inputs, padding))
    shutil.rmtree(checkpoints, ignore_errors=True)
    examples = len(prepared["train"]) * (trainer.state.epoch or 0)
    return Trained(_history(trainer.state.log_history), precision, seconds, examples / seconds)


def _run(trainer: ModuleTrainer, settings: TrainConfig) -> float:
    started = time.perf_counter()
    try:
        trainer.train()
    except torch.OutOfMemoryError as error:
        raise TrainError(
            f"train.batch_size: a batch of {settings.batch_size} does not fit into the device's memory; halve it and "
            f"double train.gradient_accumulation ({settings.gradient_accumulation}) ({error})"
        ) from error
    return time.perf_counter() - started


def _arguments(settings: TrainConfig, precision: str, folder: Path, by_length: bool) -> TrainingArguments:
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
        train_sampling_strategy="group_by_length" if by_length else "random",
        length_column_name=LENGTH,
        eval_strategy="epoch",
        save_strategy="epoch",
        save_total_limit=1,
        save_only_model=True,
        load_best_model_at_end=True,
        metric_for_best_model=settings.best_metric,
        greater_is_better=settings.best_metric != "loss",
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


def _callbacks(settings: TrainConfig) -> list[Any]:
    stopping = [EarlyStoppingCallback(settings.early_stopping)] if settings.early_stopping else []
    return [ShowProgress(), RefuseNaN(), *stopping]


def _validate(
    prediction: EvalPrediction, compute_metrics: ComputeMetrics, labels: list[str], best_metric: str
) -> Mapping[str, float]:
    probabilities = torch.softmax(torch.as_tensor(prediction.predictions).float(), dim=-1).numpy()
    metrics = compute_metrics(probabilities, np.asarray(prediction.label_ids), labels)
    if best_metric != "loss" and best_metric not in metrics:
        raise TrainError(
            f"train.best_metric: must be loss or a metric that compute_metrics returns ({', '.join(metrics)}), "
            f"but got {best_metric!r}"
        )
    return metrics


def _with_lengths(dataset: datasets.Dataset) -> datasets.Dataset:
    """Adds the length of the longest sequence of each example, by which batches are grouped."""
    table = dataset.with_format("arrow")[:]
    lists = [column for column in table.columns if pa.types.is_list(column.type) or pa.types.is_large_list(column.type)]
    if not lists:
        return dataset.add_column(LENGTH, [0] * len(dataset))
    return dataset.add_column(
        LENGTH, pc.max_element_wise(*(pc.list_value_length(column) for column in lists)).to_pylist()
    )


def _class_weights(dataset: datasets.Dataset, count: int) -> torch.Tensor:
    """Balanced weights n / (labels * n_label), as in scikit-learn's class_weight="balanced" (King and Zeng 2001)."""
    counts = torch.bincount(torch.as_tensor(dataset[LABELS][:]), minlength=count)
    return len(dataset) / (count * counts.float())


def _history(log: list[dict[str, float]]) -> list[dict[str, float]]:
    points = ({_plain(name): value for name, value in entry.items() if not name.endswith(TIMES)} for entry in log)
    return [point for point in points if "loss" in point or "validation_loss" in point]


def _plain(name: str) -> str:
    return f"validation_{name.removeprefix('eval_')}" if name.startswith("eval_") else name
