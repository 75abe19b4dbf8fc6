"""How far the choice of test ids alone moves each metric: percentile bootstrap (Efron and Tibshirani 1993, ch. 13).

Each draw takes the same ids for all models, so that the difference of two models is drawn in pairs. The intervals cover
the choice of the test ids, not that of the training data or of the training's seed.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from finetune.comparison.answers import Answers, Probabilities
from finetune.comparison.scores import scores_of

DRAWS = 1000
CALLS = 500
"""Draws where an experiment's own compute_metrics scores them, which may take its time."""
LEVEL = 0.95
SEED = 0

Compute = Callable[[Probabilities, NDArray[np.int64], list[str]], Mapping[str, float]]
Drawn = Mapping[str, Mapping[str, NDArray[np.float64]]]
"""By model and metric, its value in each draw, shape (draws,); NaN where it could not be computed."""


class Interval(NamedTuple):
    """The middle 95 % of the draws."""

    lower: float
    upper: float


def draw(answers: Answers, compute_metrics: Compute | None) -> Drawn:
    """Scores all models on ids that are drawn anew with replacement; equal answers give equal draws.

    Args:
        answers: Of all models.
        compute_metrics: The experiment's function; None stands for the default metrics.
    """
    ids = len(answers.guids)
    rows = np.random.default_rng(SEED).integers(0, ids, size=(CALLS if compute_metrics else DRAWS, ids))
    if compute_metrics is None:
        return {model: _default(answers, model, rows) for model in answers.probabilities}
    return {model: dict(_own(answers, model, rows, compute_metrics)) for model in answers.probabilities}


def _default(answers: Answers, model: str, rows: NDArray[np.int64]) -> dict[str, NDArray[np.float64]]:
    size = len(answers.labels)
    cells = (answers.references * size + answers.predicted(model))[rows]
    counts = np.stack([np.bincount(drawn, minlength=size**2) for drawn in cells])
    return scores_of(counts.reshape(-1, size, size), answers.labels)


def _own(
    answers: Answers, model: str, rows: NDArray[np.int64], compute: Compute
) -> Iterator[tuple[str, NDArray[np.float64]]]:
    probabilities, references = answers.probabilities[model], answers.references
    found = [_tried(compute, probabilities[drawn], references[drawn], answers.labels) for drawn in rows]
    for metric in dict.fromkeys(metric for each in found for metric in each):
        yield metric, np.array([each.get(metric, np.nan) for each in found], dtype=np.float64)


def _tried(
    compute: Compute, probabilities: Probabilities, references: NDArray[np.int64], labels: list[str]
) -> Mapping[str, float]:
    try:
        return compute(probabilities, references, list(labels))
    except Exception:  # a draw may lack a label that the function cannot do without
        return {}


def interval(draws: NDArray[np.float64]) -> Interval | None:
    """The interval of one metric; None where fewer than half of the draws have a number."""
    finite = draws[np.isfinite(draws)]
    if len(finite) * 2 < len(draws) or not len(finite):
        return None
    lower, upper = np.quantile(finite, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(float(lower), float(upper))
