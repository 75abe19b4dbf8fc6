"""What a report is made of: plain values, gathered by whoever evaluated the model."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from finetune.evaluation.calibration import Calibration
from finetune.evaluation.luck import Luck
from finetune.evaluation.mistakes import Mistake
from finetune.evaluation.scores import LabelScore

EXAMPLES = 5
GROUPED = ("duplicate", "conflicting labels")


@dataclass(frozen=True)
class Dropped:
    """The ids that were dropped for one reason: how many, and up to five of them."""

    reason: str
    count: int
    examples: tuple[str, ...]


@dataclass(frozen=True)
class ReportFacts:
    """Everything that the page says about one run."""

    experiment: str
    run_number: int
    stack: str
    created: str
    """ISO 8601, with the zone."""
    headline: str
    """Metric of the verdict; where `metrics` lacks it, the first of them takes its place."""
    labels: Sequence[str]
    """Names in order of class id."""
    metrics: Mapping[str, float]
    """The model's, on the test split."""
    baselines: Mapping[str, Mapping[str, float]]
    """Metrics of each baseline by a name that reads well after "above", for example `the majority label`."""
    luck: Luck
    """How far the choice of test ids moves the metrics; its baselines have the names that `baselines` gives."""
    majority_label: str
    """The most frequent label of the train split."""
    per_label: Sequence[LabelScore]
    confusion: NDArray[np.integer]
    """Counts on the test split, shape (labels, labels): rows true, columns predicted."""
    calibration: Calibration
    mistakes: Sequence[Mistake]
    best_metric: str
    """The metric, or loss, on validation that picked the checkpoint."""
    history: Sequence[Mapping[str, float]]
    """Points with step and epoch, and either loss, or validation_loss and validation_<metric>."""
    counts_before: Mapping[str, int]
    """Ids of each label in production, dropped ones included."""
    counts_after: Mapping[str, Mapping[str, int]]
    """Encoded ids per split and label."""
    left_out: Mapping[str, str]
    """Labels without ids in the dataset, and why."""
    dropped: Sequence[Dropped]
    rejected: Sequence[str]
    """Ids that encode_data dropped."""
    truncated: Mapping[str, float] | None
    """Share of truncated examples per label; None if encode_data does not say."""
    seconds: Mapping[str, float]
    """Duration of each step; of evaluate until the report, which it writes."""
    config: Mapping[str, Any]
    """The resolved config, with secrets as references."""
    versions: Mapping[str, str]
    """Version of each package that matters, and of whatever else tells runs apart."""
    hashes: Mapping[str, str]
    """Fingerprints by name, for example manifest and dataset."""
    model: str | None = None
    """The model's name, where the run has several."""
    hardware: Mapping[str, str] = field(default_factory=dict)
    """The machine on which a step took its seconds."""
    checks: Sequence[Mapping[str, Any]] = ()
    """What the data checks found, as `Finding.to_dict` gives it."""


def group_dropped(reasons: Iterable[tuple[str, str]]) -> list[Dropped]:
    """Count dropped ids by reason, the most frequent first.

    Args:
        reasons: Guid and reason of each dropped id. What a duplicate or a conflict is with differs from id to id, so
            these reasons are counted without it.
    """
    groups: dict[str, list[str]] = {}
    for guid, reason in reasons:
        groups.setdefault(next((kind for kind in GROUPED if reason.startswith(kind)), reason), []).append(guid)
    rows = [Dropped(reason, len(guids), tuple(guids[:EXAMPLES])) for reason, guids in groups.items()]
    return sorted(rows, key=lambda row: (-row.count, row.reason))
