import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finetune.progress import Progress
from finetune.training.told import METRICS, metric_definitions, validation_line


def found(line: str) -> dict[str, float]:
    matches = {each["Name"]: re.search(each["Regex"], line) for each in metric_definitions()}
    return {name: float(match[1]) for name, match in matches.items() if match}


@given(st.floats(min_value=1e-12, max_value=1e12), st.floats(min_value=0, max_value=1))
def test_cloudwatch_finds_each_value_in_the_line_of_a_validation(loss: float, score: float) -> None:
    logs = {"eval_loss": loss, "eval_macro_f1": score, "eval_runtime": 3.0, "eval_samples_per_second": 4.0, "epoch": 1}
    line = validation_line(40, f"loss {2 * loss:.6g}", logs)
    assert found(line) == pytest.approx(
        {"loss": 2 * loss, "validation_loss": loss, "validation_macro_f1": score}, rel=1e-5
    )
    assert "runtime" not in line and "second" not in line


def test_cloudwatch_finds_the_loss_in_a_line_of_progress() -> None:
    line = f"{Progress('train', 100, unit='steps').line(2.0)}, loss 0.125"
    assert found(line) == {"loss": 0.125}


def test_a_job_can_have_as_many_metrics() -> None:
    assert len(METRICS) <= 40 and all(len(each["Regex"]) <= 500 for each in metric_definitions())


def test_a_validation_before_the_first_loss_has_none() -> None:
    assert validation_line(1, "", {"eval_loss": 0.5}) == "train: step 1, validation_loss 0.5"
