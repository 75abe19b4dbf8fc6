"""The two sides of the training benchmark: finetune's train, and a bare PyTorch loop that does the same."""

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import torch
from safetensors.torch import load_model, save_model
from torch.utils.data import DataLoader
from transformers import set_seed
from transformers.trainer_pt_utils import LengthGroupedSampler

from benchmarks.prepared import Steps
from finetune.config.train import TrainConfig
from finetune.evaluation.scores import default_metrics
from finetune.training.collate import Collator, default_padding
from finetune.training.memory import keep_freed_memory
from finetune.training.precision import choose_precision
from finetune.training.spec import TrainingSpec
from finetune.training.train import train


@dataclass(frozen=True)
class Side:
    """What one training came to."""

    samples_per_second: float
    """Training examples by the time in the loop, in which validations and checkpoints are included."""
    final_loss: float
    """Mean training loss of the last `train.log_every` steps that were logged."""
    threads: int


def train_side(steps: Steps, prepared: datasets.DatasetDict, labels: list[str], folder: Path) -> Side:
    """Trains as the pipeline's step does."""
    trained = train(
        prepared,
        TrainingSpec(
            labels=labels,
            functions=steps.config.functions,
            get_model=steps.functions.get_model,
            compute_metrics=default_metrics,
            model=steps.model,
            settings=steps.config.train,
            checkpoints=folder / "checkpoints",
            target=folder / "model",
        ),
    )
    losses = [point["loss"] for point in trained.history if "loss" in point]
    return Side(trained.examples_per_second, losses[-1], torch.get_num_threads())


def bare_side(steps: Steps, prepared: datasets.DatasetDict, labels: list[str], folder: Path) -> Side:
    """Trains with a loop written out here; it stands for what a person would write by hand."""
    settings, model_section = steps.config.train, steps.model
    bf16 = choose_precision(settings.precision) == "bf16"
    features = [name for name in prepared["train"].column_names if name != "guid"]
    collate = Collator(features, default_padding(model_section["checkpoint"]))
    keep_freed_memory()
    set_seed(settings.seed)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model = steps.functions.get_model(model_section, labels).to(device)
    set_seed(settings.seed)  # as Trainer does, so that both sides draw the same dropout
    folder.mkdir()
    weights = folder / "best.safetensors"
    started = time.perf_counter()
    epochs = int(settings.epochs)
    batches = _train_batches(prepared["train"], settings, collate)
    optimiser, schedule = _optimiser(model, settings, steps=len(batches) * epochs)
    losses: list[torch.Tensor] = []
    best = -math.inf
    for epoch in range(epochs):
        model.train()
        batches.sampler.generator = torch.Generator().manual_seed(settings.seed + epoch)  # as finetune's order has it
        for batch in batches:
            with torch.autocast(device.type, torch.bfloat16, enabled=bf16):
                loss = model(**_on(device, batch))["loss"]
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), settings.gradient_clipping)
            optimiser.step()
            schedule.step()
            optimiser.zero_grad()
            losses.append(loss.detach())
        score = _validate(model, prepared["validation"], settings, collate, labels, bf16=bf16)
        if score > best:
            best = score
            save_model(model, str(weights))
    load_model(model, str(weights))
    seconds = time.perf_counter() - started
    logged = len(losses) // settings.log_every * settings.log_every
    final = torch.stack(losses[logged - settings.log_every : logged]).mean().item()
    return Side(len(prepared["train"]) * epochs / seconds, final, torch.get_num_threads())


def _train_batches(dataset: datasets.Dataset, settings: TrainConfig, collate: Collator) -> DataLoader:
    sampler = LengthGroupedSampler(settings.batch_size, lengths=_lengths(dataset))
    return DataLoader(dataset, batch_size=settings.batch_size, sampler=sampler, collate_fn=collate)


def _on(device: torch.device, batch: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name: values.to(device) for name, values in batch.items()}


def _lengths(dataset: datasets.Dataset) -> list[int]:
    return [len(ids) for ids in dataset["input_ids"][:]]


def _optimiser(model: torch.nn.Module, settings: TrainConfig, *, steps: int) -> tuple[Any, Any]:
    """AdamW with a linear schedule after a warm-up, the recipe of EXP-3333."""
    if (settings.schedule, settings.weight_decay, settings.gradient_accumulation) != ("linear", 0, 1):
        raise ValueError("the bare loop knows a linear schedule without weight decay and accumulation; write the rest")
    optimiser = torch.optim.AdamW(model.parameters(), lr=settings.learning_rate, weight_decay=0.0, fused=True)
    warmup = math.ceil(steps * settings.warmup)

    def rate(step: int) -> float:
        return step / max(1, warmup) if step < warmup else (steps - step) / max(1, steps - warmup)

    return optimiser, torch.optim.lr_scheduler.LambdaLR(optimiser, rate)


@torch.inference_mode()
def _validate(
    model: torch.nn.Module,
    dataset: datasets.Dataset,
    settings: TrainConfig,
    collate: Collator,
    labels: list[str],
    *,
    bf16: bool,
) -> float:
    model.eval()
    probabilities, references = [], []
    device = next(model.parameters()).device
    for batch in _eval_batches(dataset, settings, collate):
        with torch.autocast(device.type, torch.bfloat16, enabled=bf16):
            logits = model(**_on(device, batch))["logits"]
        probabilities.append(torch.softmax(logits.float(), dim=-1).cpu().numpy())
        references.append(batch["labels"].numpy())
    metrics = default_metrics(np.concatenate(probabilities), np.concatenate(references), labels)
    return metrics[settings.best_metric]


def _eval_batches(dataset: datasets.Dataset, settings: TrainConfig, collate: Collator) -> Iterator[Any]:
    """Batches in order of length, of twice the training's size."""
    lengths = _lengths(dataset)
    order = sorted(range(len(lengths)), key=lengths.__getitem__)
    return iter(DataLoader(dataset, batch_size=settings.batch_size * 2, sampler=order, collate_fn=collate))
