import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finetune.progress import Progress
from finetune.training.told import METRICS, kept_line, metric_definitions, shown, validation_line


def found(line: str) -> dict[str, float]:
    matches = {each["Name"]: re.search(each["Regex"], line) for each in metric_definitions()}
    return {name: float(match[1]) for name, match in matches.items() if match}


@given(st.floats(min_value=1e-12, max_value=1e12), st.floats(min_value=0, max_value=1))
def test_cloudwatch_finds_each_value_in_the_line_of_a_validation(loss: float, score: float) -> None:
    logs = {"eval_loss": loss, "eval_macro_f1": score, "epoch": 1}
    line = validation_line(40, f"loss {shown(2 * loss)}", logs, "macro_f1")
    assert found(line) == pytest.approx(
        {"loss": 2 * loss, "validation_loss": loss, "validation_macro_f1": score}, rel=6e-3
    )


@pytest.mark.parametrize(
    ("best_metric", "line"),
    [
        ("macro_f1", "train: step 12, loss 1.185, validation_loss 0.894, validation_macro_f1 0.560"),
        ("loss", "train: step 12, loss 1.185, validation_loss 0.894"),
    ],
)
def test_the_line_of_a_validation_has_the_losses_and_the_metric_that_picks_the_checkpoint(
    best_metric: str, line: str
) -> None:
    logs = {
        "eval_loss": 0.89391,
        "eval_accuracy": 0.6,
        "eval_macro_f1": 0.56,
        "eval_recall_tag": 0.1,
        "eval_runtime": 3,
    }
    assert validation_line(12, "loss 1.185", logs, best_metric) == line


def test_a_small_value_keeps_its_digits() -> None:
    assert [shown(value) for value in (1.18512, 0.0001234, 0.0, -2.5)] == ["1.185", "0.000123", "0", "-2.500"]


def test_cloudwatch_finds_the_loss_in_a_line_of_progress() -> None:
    line = f"{Progress('train', 100, unit='steps').line(2.0)}, loss 0.125"
    assert found(line) == {"loss": 0.125}


def test_the_checkpoint_that_is_kept_is_told_with_its_step_and_value() -> None:
    best = {"step": 188, "epoch": 4.0, "validation_loss": 0.4, "validation_macro_f1": 0.90512}
    assert kept_line(best, "macro_f1") == "train: keeps step 188, the highest validation macro_f1 (0.905)"


def test_a_job_can_have_as_many_metrics() -> None:
    assert len(METRICS) <= 40 and all(len(each["Regex"]) <= 500 for each in metric_definitions())


def test_a_validation_before_the_first_loss_has_none() -> None:
    assert validation_line(1, "", {"eval_loss": 0.5}, "macro_f1") == "train: step 1, validation_loss 0.500"
