"""The gate inside training: what the first validation misses ends it at once, before more is spent on it."""

from collections.abc import Mapping
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from finetune.config.register import BoundsConfig, GateConfig
from finetune.errors import TrainError
from finetune.gate.gate import judge

PREFIX = "eval_"


def refuse_missed(found: Mapping[str, float], bounds: Mapping[str, BoundsConfig], step: int) -> None:
    """Asks the gate for what the first validation found.

    Args:
        found: Its metrics, and `loss`.
        bounds: What they must reach.
        step: The training step at which it was.

    Raises:
        TrainError: A rule is missed.
    """
    missed = judge(found, GateConfig(metrics=dict(bounds))).failed
    if missed:
        listed = "; ".join(f"{rule.rule.replace('metrics', 'train.gate', 1)}: {rule.reason}" for rule in missed)
        raise TrainError(f"train: the first validation, at step {step}, misses its gate: {listed}")


class FirstValidation(TrainerCallback):
    """Judges the first validation of a training; one that goes on from a checkpoint has had it."""

    def __init__(self, bounds: Mapping[str, BoundsConfig]) -> None:
        """Takes what `loss` and the metrics must reach."""
        self._bounds = bounds

    def on_evaluate(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **rest: Any) -> None:
        """Asks the gate; every process has the same metrics, and ends alike.

        Raises:
            TrainError: A rule is missed.
        """
        if sum(f"{PREFIX}loss" in entry for entry in state.log_history) == 1:
            found = {name.removeprefix(PREFIX): value for name, value in rest["metrics"].items()}
            refuse_missed(found, self._bounds, state.global_step)
