import math

import pytest

from finetune.evaluation.direction import best_point, lower_is_better

HISTORY = [
    {"step": 5, "loss": 0.1},
    {"step": 10, "validation_loss": 0.9, "validation_f1": math.nan},
    {"step": 20, "validation_loss": 0.5, "validation_f1": 0.8},
    {"step": 25, "validation_loss": 0.4, "validation_f1": 0.8},
    {"step": 30, "validation_loss": 0.4, "validation_f1": 0.8},
    {"step": 40, "validation_loss": 0.6, "validation_f1": 0.7},
]


@pytest.mark.parametrize(("metric", "step"), [("f1", 25), ("loss", 25)])
def test_of_equals_the_best_has_the_lower_loss_and_is_the_earliest(metric: str, step: int) -> None:
    assert (best_point(HISTORY, metric) or {})["step"] == step


@pytest.mark.parametrize(
    ("metric", "lower"),
    [("nll", True), ("test_mae", True), ("Cross-Entropy", True), ("mean_squared_error", True), ("ECE", True)]
    + [("macro_f1", False), ("precision_error", False), ("winter_auc", False), ("roc_auc", False)],
)
def test_the_name_says_which_way_is_better(metric: str, lower: bool) -> None:
    assert lower_is_better(metric) is lower


def test_a_metric_that_no_validation_has_has_no_best() -> None:
    assert best_point(HISTORY, "auc") is None
