"""One training by transformers.Trainer, alike in each process of a job."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import torch
from accelerate.utils.memory import should_reduce_batch_size  # type: ignore[import-untyped]
from torch import distributed
from transformers import EarlyStoppingCallback, EvalPrediction, TrainingArguments, set_seed

from finetune.calls import call, model_section
from finetune.config.train import TrainConfig
from finetune.errors import TrainError
from finetune.evaluation.direction import check_best_metric, lower_is_better
from finetune.prepare.encode import GUID, LABELS
from finetune.training.collate import Collator, default_padding
from finetune.training.memory import keep_freed_memory
from finetune.training.model_folder import GetModel
from finetune.training.precision import choose_precision
from finetune.training.trainer import ModuleTrainer, RefuseNaN, ShowProgress

ComputeMetrics = Callable[[np.ndarray, np.ndarray, list[str]], Mapping[str, float]]


def fit(
    prepared: datasets.DatasetDict,
    *,
    labels: list[str],
    get_model: GetModel,
    compute_metrics: ComputeMetrics,
    model: dict[str, Any],
    settings: TrainConfig,
    checkpoints: Path,
) -> tuple[ModuleTrainer, float]:
    """Trains; in a process group all processes train one model together, and each batch is divided among them.

    Returns:
        The trainer, whose model is the best one (in the first process), and the seconds in the training loop.

    Raises:
        TrainError: The loss is not finite, or memory runs out.
        FunctionsError: get_model or compute_metrics raised, the latter does not return best_metric, or the model breaks
            its contract.
    """
    keep_freed_memory()
    set_seed(settings.seed)
    features = [name for name in prepared["train"].column_names if name != GUID]
    progress = ShowProgress()
    trainer = ModuleTrainer(
        class_weights=_class_weights(prepared["train"], len(labels)) if settings.class_weights == "balanced" else None,
        group_by_length=settings.group_by_length,
        model=call("get_model", get_model, model_section(model), list(labels)),
        args=_arguments(settings, choose_precision(settings.precision), checkpoints),
        train_dataset=prepared["train"],
        eval_dataset=prepared["validation"],
        data_collator=Collator(features, padding_of(model, settings)),
        compute_metrics=lambda prediction: dict(_validate(prediction, compute_metrics, labels, settings.best_metric)),
        callbacks=[progress, RefuseNaN(), *_early_stopping(settings.early_stopping)],
    )
    started = time.perf_counter()
    with progress, _memory_explained(settings):
        trainer.train()
    return trainer, time.perf_counter() - started


def padding_of(model: dict[str, Any], settings: TrainConfig) -> dict[str, float]:
    """Pad values per feature: the checkpoint's, and over them the config's."""
    return {**default_padding(model.get("checkpoint")), **settings.padding}


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


def _share(batch_size: int) -> int:
    """Examples of a batch for each process: more machines train faster, and not otherwise.

    Raises:
        TrainError: The batch cannot be divided evenly.
    """
    processes = distributed.get_world_size() if distributed.is_initialized() else 1
    if batch_size % processes:
        raise TrainError(f"train.batch_size: must be a multiple of the {processes} processes, but got {batch_size}")
    return batch_size // processes


def _arguments(settings: TrainConfig, precision: str, folder: Path) -> TrainingArguments:
    share = _share(settings.batch_size)
    return TrainingArguments(
        output_dir=str(folder),
        num_train_epochs=settings.epochs,
        per_device_train_batch_size=share,
        per_device_eval_batch_size=share * 2,
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
