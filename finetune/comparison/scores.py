"""The default metrics of many confusion matrices at once: a thousand draws take a moment."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def scores_of(confusions: NDArray[np.integer], labels: Sequence[str]) -> dict[str, NDArray[np.float64]]:
    """What finetune.evaluation.scores.default_metrics gives for each of them.

    Args:
        confusions: Counts, shape (draws, labels, labels): rows true classes, columns predicted ones.
        labels: Names in order of class id.

    Returns:
        accuracy, macro_f1, weighted_f1, precision_<label>, recall_<label>, each of shape (draws,).
    """
    hits = np.einsum("dii->di", confusions)
    support, predicted = confusions.sum(axis=2), confusions.sum(axis=1)
    ids = support.sum(axis=1)
    f1 = _ratio(2 * hits, support + predicted)
    precision, recall = _ratio(hits, predicted), _ratio(hits, support)
    result = {
        "accuracy": hits.sum(axis=1) / ids,
        "macro_f1": f1.mean(axis=1),
        "weighted_f1": (f1 * support).sum(axis=1) / ids,
    }
    for index, label in enumerate(labels):
        result |= {f"precision_{label}": precision[:, index], f"recall_{label}": recall[:, index]}
    return result


def _ratio(numerator: NDArray[np.integer], denominator: NDArray[np.integer]) -> NDArray[np.float64]:
    """Quotient, 0 where the denominator is 0."""
    result = np.zeros(numerator.shape)
    np.divide(numerator, denominator, out=result, where=denominator > 0)
    return result
