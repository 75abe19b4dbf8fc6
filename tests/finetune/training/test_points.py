"""Points of the loss curve, and how trackers get them."""

from types import SimpleNamespace
from typing import Any

import pytest
from transformers import TrainerState

from finetune.tracking.tracker import Point
from finetune.tracking.trackers import Trackers
from finetune.training.points import TrackPoints, point_of

ANY: Any = SimpleNamespace()


def told(*, first: bool, log_history: list[dict[str, float]]) -> list[Point]:
    """What a tracker gets of a training that begins or goes on, and logs once."""
    points: list[Point] = []
    callback = TrackPoints(Trackers([SimpleNamespace(metrics=points.append)]))
    state = TrainerState(global_step=9, log_history=log_history, is_world_process_zero=first)
    callback.on_train_begin(ANY, state, ANY)
    callback.on_log(ANY, state, ANY, logs={"eval_loss": 0.5, "eval_macro_f1": 0.8, "eval_runtime": 1.0, "epoch": 3.0})
    callback.on_log(ANY, state, ANY, logs={"train_runtime": 3.0, "epoch": 3.0})
    return points


def test_a_point_has_a_loss_plain_names_and_no_times() -> None:
    entry = {"eval_loss": 0.5, "eval_samples_per_second": 9.0, "step": 3}
    assert point_of(entry) == {"validation_loss": 0.5, "step": 3}
    assert point_of({"train_runtime": 3.0, "train_loss": 1.0, "step": 9}) is None


def test_the_first_process_hands_on_each_point_and_at_first_those_of_the_checkpoint() -> None:
    there = [{"loss": 2.0, "step": 3}, {"train_runtime": 1.0, "step": 3}, {"eval_loss": 1.0, "step": 3}]
    points = told(first=True, log_history=there)
    assert [(point.values, point.step, point.known) for point in points] == [
        ({"loss": 2.0}, 3, True),
        ({"validation_loss": 1.0}, 3, True),
        ({"validation_loss": 0.5, "validation_macro_f1": 0.8, "epoch": 3.0}, 9, False),
    ]
    assert there[0] == {"loss": 2.0, "step": 3}, "Trainer's own log stays as it is"


@pytest.mark.parametrize("log_history", [[], [{"loss": 2.0, "step": 3}]])
def test_other_processes_are_silent(log_history: list[dict[str, float]]) -> None:
    assert told(first=False, log_history=log_history) == []
