"""Ends a training process of several in which nothing moves: who started it is left the stacks and the error."""

import faulthandler
import os
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from finetune.errors import TrainError
from finetune.training.failures import leave
from finetune.training.work import STACKS

LOOK_S, OTHERS_S = 0.5, 2
"""Between looks; for the other processes to write their stacks, for the first to end ends them all."""


class Watchdog(TrainerCallback):
    """As a context: between two batches, of training or validation, no more than the limit may pass.

    A process that hangs holds up all others in their next exchange, so each leaves its stacks and ends.
    """

    def __init__(self, minutes: float, folder: Path, rank: int) -> None:
        """Takes the limit, and the folder in which a rank leaves what it has to say."""
        self._minutes, self._folder, self._rank = minutes, folder, rank
        self._stacks = (folder / f"{rank}{STACKS}").open("w", encoding="utf-8")
        self._moved, self._over = time.monotonic(), threading.Event()

    def on_step_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **rest: Any) -> None:
        """A batch begins."""
        self._move()

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **rest: Any) -> None:
        """It has ended; what follows may be a validation or a checkpoint."""
        self._move()

    def on_prediction_step(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **rest: Any
    ) -> None:
        """A batch of a validation has ended."""
        self._move()

    def __enter__(self) -> Self:
        self._move()
        threading.Thread(target=self._watch, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        faulthandler.cancel_dump_traceback_later()
        self._stacks.close()

    def _move(self) -> None:
        self._moved = time.monotonic()
        # Written by a thread of C, which needs nothing of what hangs.
        faulthandler.dump_traceback_later(self._minutes * 60, file=self._stacks)

    def _watch(self) -> None:
        while not self._over.wait(LOOK_S):
            if time.monotonic() - self._moved > self._minutes * 60 + OTHERS_S:
                self._end()

    def _end(self) -> None:
        error = TrainError(
            f"no batch came to its end within train.hang_minutes ({self._minutes:g}); the log has the stacks of "
            f"each process; if a batch may take that long, raise the limit"
        )
        leave(self._folder, self._rank, error)
        os._exit(1)
