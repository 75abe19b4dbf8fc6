"""transformers.Trainer with the few habits of ours: any module, class weights, plain progress, no NaN."""

import math
from typing import Any

import torch
from transformers import Trainer, TrainerCallback, TrainerControl, TrainerState, TrainingArguments
from transformers.trainer_callback import PrinterCallback

from finetune.errors import TrainError
from finetune.progress import Progress


class ModuleTrainer(Trainer):
    """Trains any module whose forward returns loss and logits."""

    def __init__(self, *, class_weights: torch.Tensor | None, **settings: Any) -> None:
        """Takes a weight per class, or None for the model's own loss; the rest is Trainer's."""
        super().__init__(**settings)
        self.remove_callback(PrinterCallback)
        self.model_accepts_loss_kwargs = False  # so that Trainer divides by gradient_accumulation for every model
        self._class_weights = class_weights

    def compute_loss(
        self, model: Any, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """The model's loss, or cross entropy with class weights."""
        outputs = model(**inputs)
        loss, logits = outputs["loss"], outputs["logits"]
        if self._class_weights is not None:
            weight = self._class_weights.to(logits)
            loss = torch.nn.functional.cross_entropy(logits, inputs["labels"], weight=weight)
        return (loss, {"loss": loss, "logits": logits}) if return_outputs else loss


class ShowProgress(TrainerCallback):
    """Shows optimiser steps and the latest loss."""

    def __init__(self) -> None:
        self._progress: Progress | None = None
        self._note = ""

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **rest: Any
    ) -> None:
        """Starts to count."""
        self._progress = Progress("train", state.max_steps, unit="steps")

    def on_log(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **rest: Any) -> None:
        """Remembers the loss."""
        loss = (rest.get("logs") or {}).get("loss")
        self._note = f"loss {loss:.3f}" if loss is not None else self._note

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **rest: Any) -> None:
        """Counts a step."""
        if self._progress is not None:
            self._progress.advance_to(state.global_step, self._note)

    def on_train_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **rest: Any) -> None:
        """Says how long it took."""
        if self._progress is not None:
            self._progress.__exit__(None, None, None)


class RefuseNaN(TrainerCallback):
    """Ends training when a loss is no finite number, instead of training on without effect."""

    def on_log(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **rest: Any) -> None:
        """Checks the training and validation losses.

        Raises:
            TrainError: A loss is NaN or infinite.
        """
        logs = rest.get("logs") or {}
        for name in ("loss", "eval_loss"):
            if name in logs and not math.isfinite(logs[name]):
                raise TrainError(
                    f"train: the {'validation' if name == 'eval_loss' else 'training'} loss is {logs[name]} at step "
                    f"{state.global_step} of {state.max_steps} (epoch {state.epoch or 0:.2f}); lower train.learning_rate "
                    f"({args.learning_rate}), set train.precision: fp32, or look for odd values in the data"
                )
