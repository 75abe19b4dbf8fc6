"""Whether a model is right as often as it says."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BINS = 10
FEW = 10
"""Examples below which the accuracy of a bin says little."""


@dataclass(frozen=True)
class CalibrationBin:
    """The examples whose top probability lies in (lower, upper]; the means of an empty bin are None."""

    lower: float
    upper: float
    count: int
    confidence: float | None
    """Mean top probability."""
    accuracy: float | None
    """Share of correct predictions."""


@dataclass(frozen=True)
class Calibration:
    """Expected calibration error, in [0, 1], and the bins that it is made of."""

    error: float
    bins: tuple[CalibrationBin, ...]


def calibration(probabilities: NDArray[np.floating], references: NDArray[np.integer]) -> Calibration:
    """Compare top probability and accuracy in ten bins of equal width.

    The expected calibration error is the mean of |accuracy - confidence| over the bins, weighed by their counts
    (Guo et al. 2017, On Calibration of Modern Neural Networks, equation 3).

    Args:
        probabilities: Shape (n, num_labels), n at least 1.
        references: True class ids, shape (n,).
    """
    top = probabilities.max(axis=1).astype(np.float64)
    correct = np.argmax(probabilities, axis=1) == references
    edges = np.linspace(0, 1, BINS + 1)
    members = np.digitize(top, edges[1:-1], right=True)
    bins = tuple(_bin(edges, index, top[members == index], correct[members == index]) for index in range(BINS))
    # count * |accuracy - confidence| of a bin is |correct - sum of probabilities|, which an empty bin has too.
    gaps = np.abs(np.bincount(members, correct - top, minlength=BINS))
    return Calibration(error=float(gaps.sum() / len(top)), bins=bins)


def _bin(
    edges: NDArray[np.float64], index: int, top: NDArray[np.float64], correct: NDArray[np.bool_]
) -> CalibrationBin:
    return CalibrationBin(
        lower=round(float(edges[index]), 3),
        upper=round(float(edges[index + 1]), 3),
        count=len(top),
        confidence=float(top.mean()) if len(top) else None,
        accuracy=float(correct.mean()) if len(top) else None,
    )
