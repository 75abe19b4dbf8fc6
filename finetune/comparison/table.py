"""The table of a comparison: a row for each model, the best first, then those that failed, then the baselines."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from finetune.comparison.bootstrap import Interval
from finetune.errors import CompareError
from finetune.evaluation.direction import lower_is_better


@dataclass(frozen=True)
class Row:
    """A model or a baseline."""

    name: str
    kind: str
    """model, failed or baseline."""
    metrics: Mapping[str, float] = field(default_factory=dict)
    intervals: Mapping[str, Interval] = field(default_factory=dict)
    """95 % intervals of metrics; a baseline has none."""
    seconds: Mapping[str, float] = field(default_factory=dict)
    """Of work, by step; of a step from the cache, those of the run that did the work."""
    cost: str | None = None
    failure: str | None = None


def ranked(metrics: Mapping[str, Mapping[str, float]], headline: str) -> list[str]:
    """The models, the best by this metric first; equals in the config's order, and those without a number last."""
    sign = -1 if lower_is_better(headline) else 1

    def place(model: str) -> float:
        value = sign * metrics[model].get(headline, math.nan)
        return -value if math.isfinite(value) else math.inf

    return sorted(metrics, key=place)


def best_of(comparison: Mapping[str, Any]) -> str:
    """The name of the best model of a comparison, as JSON holds it.

    Raises:
        CompareError: None has a result.
    """
    found = next((row["name"] for row in comparison["rows"] if row["kind"] == "model"), None)
    if found is None:
        raise CompareError(f"none of the models {', '.join(comparison['models'])} has a result")
    return str(found)


def shown_metrics(rows: Sequence[Row], labels: Sequence[str]) -> list[str]:
    """The columns: metrics that any row has, without those of single labels."""
    single = {f"{kind}_{label}" for kind in ("precision", "recall", "f1") for label in labels}
    return [metric for metric in dict.fromkeys(key for row in rows for key in row.metrics) if metric not in single]


def cost_of(seconds: Mapping[str, float], machines: Mapping[str, Mapping[str, object] | None] | None) -> str:
    """What a model's steps cost, in words: the instance table knows types, and no prices.

    Args:
        seconds: Of work, by step.
        machines: The config's compute section; None where the run is on this machine.
    """
    if machines is None:
        return "none: this machine"
    billed = [
        f"{seconds[step] / 3600:.2f} h of {machine['instance_count']} x {machine['instance_type']}"
        for step, machine in machines.items()
        if machine is not None and step in seconds
    ]
    return f"price not known: {', '.join(billed)}" if billed else "price not known"
