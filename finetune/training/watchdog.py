"""Ends a training process of several in which nothing moves: its stacks go into the log, the limit into the error."""

import faulthandler
import os
import sys
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from finetune.errors import TrainError

LOOK_S = 0.5


class Watchdog(TrainerCallback):
    """As a context: between two batches, of training or validation, no more than the limit may pass.

    A process that hangs holds up all others in their next exchange, so each writes its stacks and ends.
    """

    def __init__(self, minutes: float, leave: Callable[[TrainError], None]) -> None:
        """Takes the limit, and what keeps the error for who started the process."""
        self._minutes, self._leave = minutes, leave
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

    def _move(self) -> None:
        self._moved = time.monotonic()
        # Written by a thread of C, which needs nothing of what hangs.
        faulthandler.dump_traceback_later(self._minutes * 60, file=sys.__stderr__ or sys.stderr)

    def _watch(self) -> None:
        while not self._over.wait(LOOK_S):
            if time.monotonic() - self._moved > self._minutes * 60 + LOOK_S:
                self._end()

    def _end(self) -> None:
        self._leave(
            TrainError(
                f"no batch came to its end within train.hang_minutes ({self._minutes:g}); the log has the stacks of "
                f"each process; if a batch may take that long, raise the limit"
            )
        )
        os._exit(1)
