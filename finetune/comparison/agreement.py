"""How often two models answer alike, and how much of that is more than chance."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from finetune.comparison.answers import Answers


@dataclass(frozen=True)
class Agreement:
    """Of two models."""

    first: str
    second: str
    share: float
    """Share of the test ids with the same answer."""
    kappa: float
    """Cohen's kappa: 1 where they always agree, 0 where as often as chance would."""


def agreements(answers: Answers) -> Iterator[Agreement]:
    """Yields that of each two models."""
    for first, second in combinations(answers.probabilities, 2):
        one, other = answers.predicted(first), answers.predicted(second)
        yield Agreement(first, second, float((one == other).mean()), cohen_kappa(one, other, len(answers.labels)))


def cohen_kappa(first: NDArray[np.int64], second: NDArray[np.int64], num_labels: int) -> float:
    """Agreement beyond chance (Cohen 1960); 1 where both give one and the same label throughout.

    Args:
        first: Class ids, shape (ids,).
        second: The same of the other.
        num_labels: Number of classes.
    """
    observed = float((first == second).mean())
    shares = [np.bincount(each, minlength=num_labels) / len(each) for each in (first, second)]
    expected = float(shares[0] @ shares[1])
    return 1.0 if expected == 1 else (observed - expected) / (1 - expected)
