"""transformers.Trainer with the few habits of ours: any module, class weights, plain progress, no NaN."""

import math
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import torch
from safetensors.torch import load_model, save_model
from torch.utils.data import Sampler
from transformers import Trainer, TrainerCallback, TrainerControl, TrainerState, TrainingArguments
from transformers.trainer_callback import PrinterCallback
from transformers.trainer_pt_utils import LengthGroupedSampler

from finetune.errors import TrainError
from finetune.evaluation.direction import LOSS
from finetune.prepare.encode import LABELS
from finetune.progress import Progress, say
from finetune.training.lengths import example_lengths
from finetune.training.outputs import loss_and_logits
from finetune.training.pretrained import WEIGHTS
from finetune.training.told import shown, validation_line


class ModuleTrainer(Trainer):
    """Trains any module whose forward returns loss and logits."""

    def __init__(self, *, class_weights: torch.Tensor | None, group_by_length: bool, **settings: Any) -> None:
        """Takes a weight per class, or None for the model's own loss; the rest is Trainer's."""
        super().__init__(**settings)
        self.remove_callback(PrinterCallback)
        self.model_accepts_loss_kwargs = False  # so that Trainer divides by gradient_accumulation for every model
        self._class_weights, self._group_by_length = class_weights, group_by_length

    def compute_loss(
        self, model: Any, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """The model's loss, or cross entropy with class weights."""
        loss, logits = loss_and_logits(model(**inputs))
        if self._class_weights is not None:
            weights = self._class_weights.to(logits.device)
            loss = torch.nn.functional.cross_entropy(logits.float(), inputs[LABELS], weight=weights)
        return (loss, {"loss": loss, "logits": logits}) if return_outputs else loss

    # Trainer's own grouping looks each length up in a table row (about 0.2 ms), and asks every model for input_ids.

    def _get_train_sampler(self, train_dataset: Any = None) -> Any:
        dataset = self.train_dataset if train_dataset is None else train_dataset
        if not self._group_by_length:
            return super()._get_train_sampler(dataset)
        # All processes must go through the examples in one order; each takes its share of a batch.
        alone = self.args.world_size == 1
        return LengthGroupedSampler(
            self.args.train_batch_size * self.args.gradient_accumulation_steps * self.args.world_size,
            lengths=example_lengths(dataset),
            generator=None if alone else torch.Generator().manual_seed(self.args.seed),
        )

    def _get_eval_sampler(self, eval_dataset: Any) -> Any:
        return _ShortestFirst(eval_dataset)

    # Trainer writes a plain module's state as it is, which fails where modules share a tensor.

    def _save(self, output_dir: str | None = None, state_dict: Any = None) -> None:
        folder = Path(output_dir or self.args.output_dir)
        folder.mkdir(parents=True, exist_ok=True)
        save_model(self.model, str(folder / WEIGHTS))

    def _load_best_model(self) -> None:
        if not self.is_world_process_zero():
            return  # it lies on the first process's disk, and only that keeps the model
        load_model(self.model, str(Path(self.state.best_model_checkpoint or "", WEIGHTS)))


class _ShortestFirst(Sampler[int]):
    """Examples in order of length: the least padding."""

    def __init__(self, dataset: Any) -> None:
        lengths = example_lengths(dataset)
        self._order = sorted(range(len(lengths)), key=lengths.__getitem__)

    def __len__(self) -> int:
        return len(self._order)

    def __iter__(self) -> Any:
        return iter(self._order)


class ShowProgress(TrainerCallback):
    """Shows optimiser steps and the latest loss; a context, because Trainer calls nothing when training fails."""

    def __init__(self) -> None:
        self._progress: Progress | None = None
        self._note = ""

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **rest: Any
    ) -> None:
        """Starts to count, in the first process."""
        if state.is_world_process_zero:
            self._progress = Progress("train", state.max_steps, unit="step")

    def on_log(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **rest: Any) -> None:
        """Remembers the loss; a validation gets a line of its own."""
        logs = rest.get("logs") or {}
        self._note = f"loss {shown(logs['loss'])}" if "loss" in logs else self._note
        if "eval_loss" in logs and self._progress is not None:
            say(validation_line(state.global_step, self._note, logs, args.metric_for_best_model or LOSS))

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **rest: Any) -> None:
        """Counts a step."""
        if self._progress is not None:
            self._progress.advance_to(state.global_step, self._note)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._progress is not None:
            self._progress.__exit__(kind, error, trace)


class RefuseNaN(TrainerCallback):
    """Ends training when a loss is no finite number, instead of training on without effect."""

    def on_log(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **rest: Any) -> None:
        """Checks the training and validation losses.

        Raises:
            TrainError: A loss is NaN or infinite.
        """
        logs = rest.get("logs") or {}
        for name, what in (("loss", "training"), ("eval_loss", "validation")):
            if name in logs and not math.isfinite(logs[name]):
                raise TrainError(
                    f"train: the {what} loss is {logs[name]} at step {state.global_step} of {state.max_steps} "
                    f"(epoch {state.epoch or 0:.2f}); lower train.learning_rate ({args.learning_rate}), set "
                    f"train.precision: fp32, or look for odd values in the data"
                )
