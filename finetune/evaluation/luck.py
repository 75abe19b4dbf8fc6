"""How far the choice of the test ids alone moves a model's metrics, and its distance to each baseline."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from finetune.comparison.answers import Answers
from finetune.comparison.bootstrap import LEVEL, Compute, Interval, draw, interval

MODEL = "this model"

Intervals = Mapping[str, Interval]
"""By metric, 95 %."""


class Luck(NamedTuple):
    """Intervals of what has one: where too few draws have a number, a metric is missing."""

    intervals: Intervals
    """Of the model's metrics."""
    margins: Mapping[str, Intervals]
    """By baseline, of the model's metrics less those of the baseline."""


def luck(answers: Answers, compute_metrics: Compute | None) -> Luck:
    """Draws the test ids anew, the same for the model and for the baselines.

    Args:
        answers: Of the model, as MODEL, and of each baseline, on the same ids.
        compute_metrics: The experiment's function; None stands for the default metrics.
    """
    drawn = draw(answers, compute_metrics)
    model = drawn[MODEL]
    apart = {
        baseline: {metric: model[metric] - of[metric] for metric in of if metric in model}
        for baseline, of in drawn.items()
        if baseline != MODEL
    }
    return Luck(_intervals(model), {baseline: _intervals(of) for baseline, of in apart.items()})


def _intervals(drawn: Mapping[str, NDArray[np.float64]]) -> Intervals:
    found = {metric: interval(values) for metric, values in drawn.items()}
    return {metric: each for metric, each in found.items() if each is not None}


def most_wrong(count: int, level: float = LEVEL) -> float:
    """Upper bound of the share of mistakes among all ids, where none of `count` test ids is one.

    One-sided exact binomial bound (Clopper and Pearson 1934): about 3 / count at 95 %.
    """
    return float(1 - (1 - level) ** (1 / count))
