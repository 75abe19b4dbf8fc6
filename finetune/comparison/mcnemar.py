"""Whether two models differ by more than luck: McNemar's test in its exact form."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

from finetune.words import counted

SURE = 0.05


@dataclass(frozen=True)
class McNemar:
    """Result of the test."""

    only_first: int
    """Test ids on which the first model alone is right."""
    only_second: int
    p: float
    """How often chance alone makes the two counts differ as much, were the models equally good."""


def mcnemar(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> McNemar:
    """Tests whether one of two models is right more often (McNemar 1947; exact and two-sided, Edwards 1948).

    Ids on which both are right, or both wrong, say nothing; of the others each model would be right on half, if
    the models were equally good, so the count follows a binomial distribution.

    Args:
        first: Where the first model is right, shape (ids,).
        second: The same of the second model.
    """
    ahead, behind = int((first & ~second).sum()), int((second & ~first).sum())
    p = binomtest(ahead, ahead + behind, 0.5).pvalue if ahead + behind else 1.0
    return McNemar(ahead, behind, float(p))


def told(first: str, second: str, result: McNemar) -> str:
    """The result for a reader who does not know the test."""
    if result.only_first == result.only_second == 0:
        return f"{first} and {second} are right on the same test ids, so these tell nothing of which is better."
    if result.only_first == result.only_second:
        each = f"each alone on {counted(result.only_first, 'test id')}"
        return f"{first} and {second} are right equally often, {each} (exact McNemar test, p = 1)."
    counts = (
        f"{first} alone is right on {counted(result.only_first, 'test id')}, {second} alone on {result.only_second:,}"
    )
    odds = "less than 1" if result.p < 0.01 else f"{round(100 * result.p)}"
    chance = f"were both equally good, counts as far apart would come by chance in {odds} of 100 cases"
    verdict = "the difference is hardly luck" if result.p < SURE else "the difference may be luck"
    return f"{counts}; {chance} (exact McNemar test, p = {result.p:.2g}): {verdict}."
