"""What training does beside its steps: tells its progress, refuses NaN, saves now and then, and stops when asked."""

import math
import signal
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

import torch
from torch import distributed
from transformers import EarlyStoppingCallback, TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from finetune.asked import Asked
from finetune.errors import TrainError
from finetune.evaluation.direction import LOSS
from finetune.progress import Progress, say
from finetune.training.failures import ConnectionLost
from finetune.training.told import shown, validation_line


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
            self._progress = Progress("train", state.max_steps, unit="step", begun=state.global_step)

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

    def __init__(self, first_odd_step: Callable[[], float]) -> None:
        """Takes what tells the step at which this process's own loss was first not finite, or infinity."""
        self._first_odd_step = first_odd_step

    def on_log(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **rest: Any) -> None:
        """Checks the training and validation losses, which are means over all processes.

        Raises:
            TrainError: A loss is NaN or infinite.
            ConnectionLost: The same, and another process had it first: its error is the one to tell.
        """
        logs = rest.get("logs") or {}
        for name, what in (("loss", "training"), ("eval_loss", "validation")):
            if name in logs and not math.isfinite(logs[name]):
                if not self._is_first():
                    raise ConnectionLost(f"train: the {what} loss of another process is {logs[name]}")
                raise TrainError(
                    f"train: the {what} loss is {logs[name]} at step {state.global_step} of {state.max_steps} "
                    f"(epoch {state.epoch or 0:.2f}); lower train.learning_rate ({args.learning_rate}), set "
                    f"train.precision: fp32, or look for odd values in the data"
                )

    def _is_first(self) -> bool:
        """After one step with it, gradients have carried it to all; every process asks at the same time."""
        mine = self._first_odd_step()
        if not distributed.is_initialized():
            return True
        steps: list[Any] = [None] * distributed.get_world_size()
        distributed.all_gather_object(steps, mine)
        return bool(mine == min(steps))


class EarlyStopping(EarlyStoppingCallback):
    """Ends training after epochs without a better metric."""

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **rest: Any
    ) -> None:
        """Does not warn, as its parent would, that Trainer does not load the best checkpoint: fit does."""


class SaveRegularly(TrainerCallback):
    """Saves every so many optimiser steps; at the end of an epoch Trainer does, once it has validated."""

    def __init__(self, every: int) -> None:
        self._every = every

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **rest: Any) -> None:
        """Asks for a checkpoint, unless the epoch or the training ends with this step."""
        if state.global_step % self._every == 0 and not ends_epoch(state):
            control.should_save = True


class TrainingStopped(KeyboardInterrupt):
    """Training was asked to stop, by a signal; a checkpoint holds what was done."""

    def __init__(self, number: int, step: int | None = None) -> None:
        """Takes the signal's number, and the step after which training stopped, if it is known."""
        after = "" if step is None else f" after step {step}, which is saved"
        super().__init__(f"train: stopped by {signal.Signals(number).name}{after}")
        self.number, self.step = number, step


class StopWhenAsked(TrainerCallback, Asked):
    """As a context, takes Ctrl-C and SIGTERM: training saves after the step at hand and stops; a second one is raised.

    All processes of a training stop after the same step, whichever of them was asked.
    """

    def __init__(self) -> None:
        Asked.__init__(self, "train: stopping; a checkpoint is written after this step")

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **rest: Any) -> None:
        """Saves if it was asked to stop; at the end of an epoch Trainer does, once it has validated."""
        if self._agree() and not ends_epoch(state):
            control.should_save = True

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **rest: Any) -> None:
        """Leaves training, now that what was done is saved.

        Raises:
            TrainingStopped: It was asked to stop.
        """
        if number := self._agree():
            raise TrainingStopped(number, state.global_step)

    def _agree(self) -> int:
        """The signal that came to any of the processes; `number` stays that of this one, for which it is the first."""
        asked = torch.tensor(self.number)
        if distributed.is_initialized():
            distributed.all_reduce(asked, distributed.ReduceOp.MAX)
        return int(asked)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        super().__exit__(kind, error, trace)
        if self.number and kind is None:  # it came after the last checkpoint, which holds all
            raise TrainingStopped(self.number)


def ends_epoch(state: TrainerState) -> bool:
    """Whether an epoch, or the training, ends with the step that was done."""
    epoch = state.epoch or 0.0
    return state.global_step >= state.max_steps or math.isclose(epoch, round(epoch), abs_tol=1e-9)
