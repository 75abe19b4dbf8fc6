"""What a study came to, as plain values: for run.json, the summary and the report. Pure."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from finetune.tuning.journal import Record, State
from finetune.tuning.space import Params


@dataclass(frozen=True)
class StudyResult:
    """One study that is done."""

    objective: str
    value: float
    """The best trial's."""
    trial: int
    """Its number."""
    best: Params
    default: float | None
    """The objective with the parameters of the config as it stands; None if that trial failed."""
    completed: int
    pruned: int
    failed: int
    trials: list[dict[str, Any]]

    def to_dict(self) -> dict[str, Any]:
        """As JSON holds it."""
        return asdict(self)


def result_of(objective: str, best: Record, records: Sequence[Record]) -> StudyResult:
    """Sums a study up; `best` is one of its records, and completed."""
    counts = Counter(record.state for record in records)
    return StudyResult(
        objective=objective,
        value=best.value or 0.0,
        trial=best.number,
        best=best.params,
        default=next((record.value for record in records if record.number == 0), None),
        completed=counts[State.COMPLETED],
        pruned=counts[State.PRUNED],
        failed=counts[State.FAILED],
        trials=[record.to_dict() for record in records],
    )
