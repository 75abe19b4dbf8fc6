"""One training by transformers.Trainer, alike in each process of a job."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import torch
from accelerate.utils.memory import should_reduce_batch_size  # type: ignore[import-untyped]
from torch import distributed
from transformers import EvalPrediction, TrainerCallback, TrainingArguments, set_seed

from finetune.calls import call, model_section
from finetune.collector import set_aside
from finetune.config.train import TrainConfig
from finetune.errors import TrainError
from finetune.evaluation.direction import check_best_metric, lower_is_better
from finetune.prepare.columns import GUID, LABELS
from finetune.progress import say
from finetune.training.at_once import fit_at_once, fits_at_once
from finetune.training.callbacks import EarlyStopping, SaveRegularly, ShowProgress, StopWhenAsked
from finetune.training.checkpoints import Checkpoint, Checkpoints
from finetune.training.collate import Collator, default_padding
from finetune.training.first import FirstValidation, refuse_missed
from finetune.training.memory import keep_freed_memory
from finetune.training.precision import choose_precision
from finetune.training.resumable import EPOCH, ResumableTrainer
from finetune.training.spec import TrainingSpec


@dataclass(frozen=True)
class Fitted:
    """What came of it."""

    leads: bool
    """Whether this is the first process."""
    model: torch.nn.Module
    """The best one, in the first process."""
    log: list[dict[str, float]]
    """Trainer's log."""
    examples: float
    """Examples that this call went through."""
    seconds: float
    """Its time in the training loop, validations and checkpoints included."""


Agree = Callable[[Checkpoints], Checkpoint | None]


def fit(
    prepared: datasets.DatasetDict, spec: TrainingSpec, agree: Agree, callbacks: Sequence[TrainerCallback] = ()
) -> Fitted:
    """Trains from the last checkpoint on; in a process group all train one model, and each batch is divided among them.

    Raises:
        TrainError: The loss is not finite, memory or the disk runs out, or a checkpoint does not fit.
        TrainingStopped: SIGINT or SIGTERM came; what was done is saved.
        FunctionsError: get_model or compute_metrics raised, the latter does not return best_metric, or the model breaks
            its contract.
    """
    settings = spec.settings
    keep_freed_memory()
    set_seed(settings.seed)
    features = [name for name in prepared["train"].column_names if name != GUID]
    progress, saving, stop = ShowProgress(), SaveRegularly(settings.save_every), StopWhenAsked()
    kept = Checkpoints(spec.checkpoints, keep=settings.save_limit)
    build = partial(_model, spec)
    model = build()
    if fits_at_once(model):
        return _fit_at_once(model, prepared, spec)
    weights = _class_weights(prepared["train"], len(spec.labels)) if settings.class_weights == "balanced" else None
    trainer = ResumableTrainer(
        checkpoints=kept,
        class_weights=weights,
        group_by_length=settings.group_by_length,
        model=model,
        args=_arguments(settings, choose_precision(settings.precision), spec.checkpoints),
        train_dataset=prepared["train"],
        eval_dataset=prepared["validation"],
        data_collator=Collator(features, padding_of(spec.model, settings)),
        compute_metrics=lambda prediction: dict(_validate(prediction, spec)),
        callbacks=[*_early_stopping(settings.early_stopping), *_gate(settings), progress, saving, stop, *callbacks],
    )
    last = agree(kept)
    leads = trainer.is_world_process_zero()
    if last is not None and leads:
        say(f"train: goes on from the checkpoint of step {last.step}")
    started = time.perf_counter()
    with set_aside(), progress, stop, _memory_explained(settings):  # Trainer collects all garbage before it begins
        trainer.train_from(last)
    best = trainer.best_model(build) if leads else trainer.model  # only the first process keeps it
    done = (trainer.state.epoch or 0) - (0 if last is None else last.facts[EPOCH])
    examples, seconds = done * len(prepared["train"]), time.perf_counter() - started
    return Fitted(leads, best, trainer.state.log_history, examples, seconds)


def _fit_at_once(model: torch.nn.Module, prepared: datasets.DatasetDict, spec: TrainingSpec) -> Fitted:
    """Of several processes it would be one model each, so there is one."""
    if distributed.is_initialized():
        raise TrainError(
            "train.processes: must be 1 for a model that is fitted at once (get_model gives one with a method fit), on "
            "one instance"
        )
    started = time.perf_counter()
    log, logits, references = fit_at_once(model, prepared, spec)
    metrics = _validate(EvalPrediction(predictions=logits, label_ids=references), spec)
    refuse_missed({**metrics, "loss": log[-1]["validation_loss"]}, spec.settings.gate, int(log[-1]["step"]))
    log[-1] |= {f"eval_{name}": value for name, value in metrics.items()}
    return Fitted(True, model, log, float(len(prepared["train"])), time.perf_counter() - started)


def _model(spec: TrainingSpec) -> torch.nn.Module:
    model: torch.nn.Module = call("get_model", spec.get_model, model_section(spec.model), list(spec.labels))
    if spec.settings.activation_checkpointing and not hasattr(model, "activation_checkpointing_enable"):
        raise TrainError(
            "train.activation_checkpointing: get_model gives a model without activation_checkpointing_enable; those of "
            "transformers have it; give it one, which hands on to the encoder's, or leave the key out"
        )
    return model


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
        activation_checkpointing=settings.activation_checkpointing,
        torch_compile=settings.compile,
        bf16=precision == "bf16",
        fp16=precision == "fp16",
        eval_strategy="epoch",
        save_strategy="epoch",
        restore_callback_states_from_checkpoint=True,
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


def _early_stopping(epochs: int | None) -> list[EarlyStopping]:
    return [] if epochs is None else [EarlyStopping(epochs)]


def _gate(settings: TrainConfig) -> list[FirstValidation]:
    return [FirstValidation(settings.gate)] if settings.gate else []


def _validate(prediction: EvalPrediction, spec: TrainingSpec) -> Mapping[str, float]:
    probabilities = torch.softmax(torch.as_tensor(prediction.predictions).float(), dim=-1).numpy()
    if not np.isfinite(probabilities).all():
        raise TrainError(
            "train: the model's answers on validation hold NaN or infinity; lower train.learning_rate, set "
            "train.precision: fp32, or look for odd values in the data"
        )
    references = np.asarray(prediction.label_ids)
    metrics: Mapping[str, float] = call("compute_metrics", spec.compute_metrics, probabilities, references, spec.labels)
    check_best_metric(spec.settings.best_metric, metrics)
    return metrics


def _class_weights(dataset: datasets.Dataset, count: int) -> torch.Tensor:
    """Balanced weights n / (labels * n_label), as in scikit-learn's class_weight="balanced" (King and Zeng 2001)."""
    counts = torch.bincount(torch.as_tensor(dataset[LABELS][:]), minlength=count)
    return len(dataset) / (count * counts.float())
