"""How far a distribution of labels has moved: total variation distance, and whether it is more than chance. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

CHANCE = 0.01
"""Largest p-value at which a distance counts as more than chance."""
FEWEST = 5.0
"""Expected count below which a label is put together with others (Cochran 1954: the chi-square test needs it)."""


@dataclass(frozen=True)
class Drift:
    """From earlier labels to those of now."""

    distance: float
    """Total variation distance, from 0 (equal shares) to 1 (no label in common)."""
    p_value: float
    """Of the chi-square test of homogeneity: how likely equal shares give counts this far apart."""
    come: list[str]
    """Labels that were not there."""
    gone: list[str]
    """Labels that are no longer there."""

    @property
    def beyond_chance(self) -> bool:
        """Whether the distance is more than small counts explain."""
        return self.p_value < CHANCE


def drift(earlier: Mapping[str, int], now: Mapping[str, int]) -> Drift:
    """Compares two counts of labels, each with at least one id.

    The distance is half the sum of the shares' absolute differences. With few ids it is large by chance alone, so
    Pearson's chi-square test of homogeneity tells whether it is more; labels with an expected count below 5 on either
    side are tested together.

    Args:
        earlier: Ids of each label then.
        now: Ids of each label now.
    """
    labels = sorted(earlier.keys() | now.keys())
    counts = np.array([[side.get(label, 0) for label in labels] for side in (earlier, now)], dtype=np.float64)
    shares = counts / counts.sum(axis=1, keepdims=True)
    return Drift(
        distance=float(np.abs(shares[0] - shares[1]).sum() / 2),
        p_value=_p_value(_pooled(counts)),
        come=[label for label in labels if not earlier.get(label)],
        gone=[label for label in labels if not now.get(label)],
    )


def _pooled(counts: np.ndarray) -> np.ndarray:
    """The columns with too small an expected count as one; where that is still too small, with the next ones.

    Two columns always remain.
    """
    order = np.argsort(counts.sum(axis=0), kind="stable")
    counts, least = counts[:, order], counts.sum(axis=1).min() / counts.sum()
    most = counts.shape[1] - 1
    few = min(most, int((counts.sum(axis=0) * least < FEWEST).sum()))
    while 0 < few < most and counts[:, :few].sum() * least < FEWEST:
        few += 1
    return counts if few == 0 else np.column_stack([counts[:, :few].sum(axis=1), counts[:, few:]])


def _p_value(counts: np.ndarray) -> float:
    from scipy.special import chdtrc  # type: ignore[import-untyped]

    if counts.shape[1] < 2:
        return 1.0
    expected = counts.sum(axis=1, keepdims=True) * counts.sum(axis=0) / counts.sum()
    return float(chdtrc(counts.shape[1] - 1, ((counts - expected) ** 2 / expected).sum()))
