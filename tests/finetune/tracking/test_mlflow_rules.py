"""What MLflow accepts and what of it counts."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlflow.utils.validation import _validate_metric_name

from finetune.tracking.mlflow_rules import clean, is_there, state_of_run


@given(st.text(min_size=1, max_size=400))
def test_any_name_becomes_one_that_mlflow_takes(name: str) -> None:
    _validate_metric_name(clean(name))


@pytest.mark.parametrize("name", ["validation_macro_f1", "small/loss", "system/cpu_utilization_percentage"])
def test_a_plain_name_stays(name: str) -> None:
    assert clean(name) == name


@pytest.mark.parametrize(
    ("steps", "state"),
    [
        (["finished"], "FINISHED"),
        (["finished", "running"], "RUNNING"),
        (["finished", "stopped", "running"], "KILLED"),
        (["stopped", "failed", "finished"], "FAILED"),
    ],
)
def test_a_run_is_as_bad_as_the_worst_of_its_steps(steps: list[str], state: str) -> None:
    assert state_of_run(steps) == state


def test_a_point_is_there_if_its_step_has_about_its_value() -> None:
    assert is_there(0.50001, [0.4, 0.5])
    assert is_there(math.nan, [math.nan])
    assert not is_there(0.6, [0.5, math.nan])
    assert not is_there(0.5, [])
