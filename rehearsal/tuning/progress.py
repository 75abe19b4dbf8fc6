"""How far a tuning job is, from the summaries of its training jobs: counters, the best, whether more start. Pure."""

import math
from typing import Any

Row = dict[str, Any]
ATTEMPTS = 5
NONE_SUCCEEDED = (
    f"No training job succeeded after {ATTEMPTS} attempts. For additional details, please take a look at the training "
    "job failures by listing training jobs for the hyperparameter tuning job."
)
ALL_FAILED = "All training jobs failed. Please take a look at the training jobs failures to get more details."
NO_METRIC = (
    "No objective metrics found after running {} training jobs. Please ensure that the custom algorithm is emitting "
    "the objective metric as defined by the regular expression provided."
)
SHOWN = (
    "TrainingJobName",
    "TrainingJobArn",
    "TuningJobName",
    "CreationTime",
    "TrainingStartTime",
    "TrainingEndTime",
    "TrainingJobStatus",
    "FailureReason",
)
ACTIVE = ("InProgress", "Stopping")
# What counts as better for BestObjectiveNotImproving: the service says 1 %.
BETTER = 0.01


def summary(described: Row, tuned: dict[str, str], objective: dict[str, str]) -> Row:
    """A training job as a tuning job shows it; the objective is the last value that its log gave."""
    row = {name: described[name] for name in SHOWN if name in described} | {"TunedHyperParameters": tuned}
    if row["TrainingJobStatus"] in ACTIVE:
        return row | {"ObjectiveStatus": "Pending"}
    values = {each["MetricName"]: each["Value"] for each in described.get("FinalMetricDataList") or []}
    value = values.get(objective["MetricName"], math.nan)
    if not math.isfinite(value) or row["TrainingJobStatus"] == "Failed":
        return row | {"ObjectiveStatus": "Failed"}
    metric = {**objective, "Value": value}
    return row | {"ObjectiveStatus": "Succeeded", "FinalHyperParameterTuningJobObjectiveMetric": metric}


def status_counters(rows: list[Row]) -> dict[str, int]:
    """TrainingJobStatusCounters: only the platform's own errors are retryable."""
    names = ("Completed", "InProgress", "RetryableError", "NonRetryableError", "Stopped")
    counted = [_counted(row) for row in rows]
    return {name: counted.count(name) for name in names}


def objective_counters(rows: list[Row]) -> dict[str, int]:
    """ObjectiveStatusCounters."""
    counted = [row["ObjectiveStatus"] for row in rows]
    return {name: counted.count(name) for name in ("Succeeded", "Pending", "Failed")}


def best(rows: list[Row], kind: str) -> Row | None:
    """The completed training job with the best objective, the first of equals; `kind` is Maximize or Minimize."""
    sign = 1 if kind == "Maximize" else -1
    able = [row for row in rows if row["TrainingJobStatus"] == "Completed" and row["ObjectiveStatus"] == "Succeeded"]
    return max(able, key=lambda row: sign * objective_of(row), default=None)


def objective_of(row: Row) -> float:
    """The value of a training job whose objective was found."""
    return float(row["FinalHyperParameterTuningJobObjectiveMetric"]["Value"])


def to_start(rows: list[Row], most: float, at_once: int, kind: str, criteria: Row) -> int:
    """How many training jobs may start now, of at most `most` in all and `at_once` side by side."""
    if _given_up(rows) or _reached(rows, kind, criteria):
        return 0
    active = sum(row["TrainingJobStatus"] in ACTIVE for row in rows)
    return max(0, int(min(most - len(rows), at_once - active)))


def failure(rows: list[Row]) -> str | None:
    """Why a tuning job whose training jobs have all ended has failed; None if it has not."""
    if objective_counters(rows)["Succeeded"]:
        return None
    ran = sum(row["TrainingJobStatus"] != "Failed" for row in rows)
    if ran:
        return NO_METRIC.format(len(rows))
    return NONE_SUCCEEDED if len(rows) >= ATTEMPTS else ALL_FAILED


def _counted(row: Row) -> str:
    if row["TrainingJobStatus"] in ACTIVE:
        return "InProgress"
    if row["TrainingJobStatus"] != "Failed":
        return str(row["TrainingJobStatus"])
    return "RetryableError" if row.get("FailureReason", "").startswith("InternalServerError") else "NonRetryableError"


def _given_up(rows: list[Row]) -> bool:
    """The service starts no more after some training jobs of which none gave an objective."""
    counters = objective_counters(rows)
    return counters["Failed"] >= ATTEMPTS and not counters["Succeeded"]


def _reached(rows: list[Row], kind: str, criteria: Row) -> bool:
    """Whether one of the TuningJobCompletionCriteria is met."""
    found = best(rows, kind)
    if found is None:
        return False
    sign = 1 if kind == "Maximize" else -1
    target = criteria.get("TargetObjectiveMetricValue")
    if target is not None and sign * objective_of(found) >= sign * target:
        return True
    patience = (criteria.get("BestObjectiveNotImproving") or {}).get("MaxNumberOfTrainingJobsNotImproving")
    return patience is not None and _not_improving(rows, sign) >= patience


def _not_improving(rows: list[Row], sign: int) -> int:
    """How many of the last training jobs, in the order in which they ended, were no better than what was before."""
    scored = [row for row in rows if row["ObjectiveStatus"] == "Succeeded"]
    values = [sign * objective_of(row) for row in sorted(scored, key=lambda row: float(row["TrainingEndTime"]))]
    top, count = values[0], 0
    for value in values[1:]:
        count = 0 if value - top >= BETTER * abs(top) and value > top else count + 1
        top = max(top, value)
    return count
