"""A study's trials, from what SageMaker says of a tuning job's training jobs. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from finetune.config.tune import DistributionConfig
from finetune.tuning.journal import Record, State
from finetune.tuning.texts import from_texts

STATES = {
    "InProgress": State.RUNNING,
    "Stopping": State.RUNNING,
    "Completed": State.COMPLETED,
    "Stopped": State.PRUNED,
    "Failed": State.FAILED,
}
INTERRUPTED = "its tuning job was stopped"
Row = Mapping[str, Any]


def records_of(rows: Sequence[Row], space: Mapping[str, DistributionConfig], first: int) -> list[Record]:
    """The trials of one tuning job, numbered from `first` on.

    Args:
        rows: Its training jobs in order of creation, as ListTrainingJobsForHyperParameterTuningJob gives them.
        space: The search space.
        first: Number of the first one.

    Raises:
        TuneError: Parameters are not of the space.
    """
    return [_record(row, space, number) for number, row in enumerate(rows, first)]


def _record(row: Row, space: Mapping[str, DistributionConfig], number: int) -> Record:
    state, reason = STATES[row["TrainingJobStatus"]], row.get("FailureReason")
    value = row.get("FinalHyperParameterTuningJobObjectiveMetric", {}).get("Value")
    if state is State.COMPLETED and value is None:
        state, reason = State.FAILED, "SageMaker found no objective in its log"
    return Record(
        number=number,
        params=from_texts(space, row["TunedHyperParameters"]),
        state=state,
        value=None if value is None or state is not State.COMPLETED else float(value),
        points=[] if value is None else [float(value)],
        reason=reason,
        seconds=_seconds(row.get("TrainingStartTime"), row.get("TrainingEndTime")),
    )


def _seconds(start: datetime | None, end: datetime | None) -> float:
    if start is None:
        return 0.0
    return round(((end or datetime.now(start.tzinfo)) - start).total_seconds(), 3)


def interrupted(records: Sequence[Record], parallel: int) -> list[Record]:
    """The trials of a tuning job that was stopped; those that ran at that time are to be tried again.

    SageMaker does not tell them from those that it stopped early: they are taken to be the last ones.
    """
    first = len(records) - parallel
    return [
        replace(record, reason=INTERRUPTED) if at >= first and record.state is State.PRUNED else record
        for at, record in enumerate(records)
    ]


@dataclass(frozen=True)
class TuningJob:
    """One tuning job as SageMaker describes it."""

    name: str
    arn: str
    status: str
    """InProgress, Stopping, Completed, Stopped or Failed."""
    reason: str | None
    seconds: float
    """Since its creation, until now or its end."""

    @property
    def runs(self) -> bool:
        """Whether its training jobs run, and are billed."""
        return self.status in ("InProgress", "Stopping")


def tuning_job_of(described: Row) -> TuningJob:
    """The tuning job that DescribeHyperParameterTuningJob describes."""
    return TuningJob(
        described["HyperParameterTuningJobName"],
        described["HyperParameterTuningJobArn"],
        described["HyperParameterTuningJobStatus"],
        described.get("FailureReason"),
        _seconds(described["CreationTime"], described.get("HyperParameterTuningEndTime")),
    )
