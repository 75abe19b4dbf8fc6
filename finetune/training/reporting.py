"""Tells the objective of a trial after each validation, and ends the training when it is not worth going on."""

import time
from collections.abc import Callable
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from finetune.evaluation.direction import check_objective

LOOK_S = 2.0
"""Between two looks for the request to stop, which may be requests to S3."""


class GivenUp(Exception):
    """The training is not worth going on; it is no failure."""


class Reporting(TrainerCallback):
    """For a training in one process."""

    def __init__(self, objective: str, tell: Callable[[list[float]], None], is_given_up: Callable[[], bool]) -> None:
        """Takes the metric's name, what is told its values, and what says whether to stop."""
        self._objective, self._tell, self._is_given_up = objective, tell, is_given_up
        self._looked = time.monotonic()

    def on_evaluate(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **rest: Any) -> None:
        """Tells the objective at all validations, those before a checkpoint included.

        Raises:
            GivenUp: It was asked to stop.
            FunctionsError: compute_metrics does not return the objective.
        """
        name = f"eval_{self._objective}"
        validations = [entry for entry in state.log_history if "eval_loss" in entry]
        for entry in validations:
            check_objective(self._objective, [key.removeprefix("eval_") for key in entry if key.startswith("eval_")])
        self._tell([float(entry[name]) for entry in validations])
        self._look()

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **rest: Any) -> None:
        """Looks now and then whether to stop.

        Raises:
            GivenUp: It was asked to.
        """
        if time.monotonic() - self._looked >= LOOK_S:
            self._look()

    def _look(self) -> None:
        self._looked = time.monotonic()
        if self._is_given_up():
            raise GivenUp
