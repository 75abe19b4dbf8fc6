"""Points of the loss curve: what of Trainer's log is kept, under which names, and how trackers get it at once."""

import time
from collections.abc import Iterable, Mapping
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from finetune.tracking.tracker import Point
from finetune.tracking.trackers import Trackers

TIMES = ("runtime", "samples_per_second", "steps_per_second", "total_flos")


def point_of(entry: Mapping[str, float]) -> dict[str, float] | None:
    """An entry of Trainer's log as a point, without times; None for one that has no loss."""
    point = {_plain(name): value for name, value in entry.items() if not name.endswith(TIMES)}
    return point if "loss" in point or "validation_loss" in point else None


def history_of(log: Iterable[Mapping[str, float]]) -> list[dict[str, float]]:
    """Trainer's log as points of the loss curve."""
    return [point for entry in log if (point := point_of(entry)) is not None]


def _plain(name: str) -> str:
    return f"validation_{name.removeprefix('eval_')}" if name.startswith("eval_") else name


class TrackPoints(TrainerCallback):
    """Hands each point to trackers when it is logged, in the first process."""

    def __init__(self, trackers: Trackers) -> None:
        self._trackers = trackers

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **rest: Any
    ) -> None:
        """Hands on what the checkpoint has, since a process that was killed may not have come to it."""
        if state.is_world_process_zero:
            now, points = time.time(), history_of(state.log_history)
            self._trackers.points(Point(point, int(point.pop("step")), now, known=True) for point in points)

    def on_log(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **rest: Any) -> None:
        """Hands it on."""
        point = point_of(rest.get("logs") or {})
        if point is not None and state.is_world_process_zero:
            self._trackers.metrics(point, state.global_step)
