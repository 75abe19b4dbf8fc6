import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rehearsal.tuning.progress import (
    ATTEMPTS,
    NO_METRIC,
    NONE_SUCCEEDED,
    Row,
    best,
    failure,
    objective_counters,
    objective_of,
    status_counters,
    summary,
    to_start,
)

OBJECTIVE = {"Type": "Maximize", "MetricName": "score"}
STATES = ["InProgress", "Stopping", "Completed", "Failed", "Stopped"]


def row(status: str, value: float | None = None, *, ended: float = 0.0, reason: str = "AlgorithmError: x") -> Row:
    """A training job's summary, `value` being the last that its log gave."""
    described: dict[str, Any] = {"TrainingJobName": "t", "TrainingJobStatus": status, "TrainingEndTime": ended}
    if status == "Failed":
        described["FailureReason"] = reason
    if value is not None:
        described["FinalMetricDataList"] = [
            {"MetricName": "loss", "Value": 9.0},
            {"MetricName": "score", "Value": value},
        ]
    return summary(described, {"lr": "0.1"}, OBJECTIVE)


ROWS = st.lists(st.builds(row, st.sampled_from(STATES), st.none() | st.floats(-10, 10)), max_size=12)
LIMITS = st.integers(1, 15)


@given(ROWS)
def test_every_training_job_is_counted_once_by_state_and_once_by_objective(rows: list[Row]) -> None:
    assert sum(status_counters(rows).values()) == sum(objective_counters(rows).values()) == len(rows)
    assert objective_counters(rows)["Pending"] == status_counters(rows)["InProgress"]


@given(ROWS, st.sampled_from(["Maximize", "Minimize"]))
def test_the_best_is_a_completed_one_that_none_beats(rows: list[Row], kind: str) -> None:
    able = [
        each for each in rows if each["TrainingJobStatus"] == "Completed" and each["ObjectiveStatus"] == "Succeeded"
    ]
    found = best(rows, kind)
    if found is None:
        assert not able
    else:
        assert found in able
        assert objective_of(found) == (max if kind == "Maximize" else min)(map(objective_of, able))


@given(ROWS, LIMITS, LIMITS)
def test_no_more_start_than_the_limits_allow(rows: list[Row], most: int, at_once: int) -> None:
    count = to_start(rows, most, at_once, "Maximize", {})
    active = status_counters(rows)["InProgress"]
    assert count >= 0
    assert count == 0 or (len(rows) + count <= most and active + count <= at_once)


@given(st.lists(st.sampled_from(["Completed", "Failed"]), max_size=9), st.integers(10, 20), LIMITS)
def test_while_one_has_an_objective_failures_do_not_end_a_tuning_job(
    states: list[str], most: int, at_once: int
) -> None:
    rows = [row("Completed", 0.5), *(row(state) for state in states)]
    assert to_start(rows, most, at_once, "Maximize", {}) == min(most - len(rows), at_once) or len(rows) >= most
    assert failure(rows) is None


def test_what_is_no_number_is_no_objective() -> None:
    for value in (math.nan, math.inf, None):
        assert row("Completed", value)["ObjectiveStatus"] == "Failed"
    assert row("Completed", 0.0)["FinalHyperParameterTuningJobObjectiveMetric"] == {**OBJECTIVE, "Value": 0.0}
    assert row("Failed", 0.7)["ObjectiveStatus"] == "Failed"
    assert row("InProgress", 0.7)["ObjectiveStatus"] == "Pending"


def test_the_platforms_own_errors_are_retryable() -> None:
    counted = status_counters([row("Failed", reason="InternalServerError: y"), row("Failed"), row("Stopping")])
    assert counted == {"Completed": 0, "InProgress": 1, "RetryableError": 1, "NonRetryableError": 1, "Stopped": 0}


def test_it_gives_up_where_the_first_attempts_all_failed() -> None:
    rows = [row("Failed")] * ATTEMPTS
    assert to_start(rows[1:], 20, 4, "Maximize", {}) == 4
    assert to_start(rows, 20, 4, "Maximize", {}) == 0
    assert failure(rows) == NONE_SUCCEEDED
    assert str(failure(rows[1:])).startswith("All training jobs failed")
    assert failure([row("Failed"), row("Completed")]) == NO_METRIC.format(2)


@pytest.mark.parametrize(
    ("values", "criteria", "starts"),
    [
        ([0.5, 0.8], {"TargetObjectiveMetricValue": 0.9}, True),
        ([0.5, 0.9], {"TargetObjectiveMetricValue": 0.9}, False),
        ([0.5, 0.6, 0.6, 0.6], {"BestObjectiveNotImproving": {"MaxNumberOfTrainingJobsNotImproving": 3}}, True),
        ([0.5, 0.5, 0.5, 0.501], {"BestObjectiveNotImproving": {"MaxNumberOfTrainingJobsNotImproving": 3}}, False),
        ([0.5, 0.5], {"ConvergenceDetected": {"CompleteOnConvergence": "Enabled"}}, True),
    ],
)
def test_completion_criteria(values: list[float], criteria: dict[str, Any], starts: bool) -> None:
    rows = [row("Completed", value, ended=number) for number, value in enumerate(values)]
    assert bool(to_start(rows, 20, 1, "Maximize", criteria)) == starts


def test_a_smaller_value_reaches_a_target_that_is_minimised() -> None:
    criteria = {"TargetObjectiveMetricValue": 0.2}
    assert to_start([row("Completed", 0.3)], 20, 1, "Minimize", criteria) == 1
    assert to_start([row("Completed", 0.1)], 20, 1, "Minimize", criteria) == 0
