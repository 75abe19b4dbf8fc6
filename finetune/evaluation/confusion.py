"""The confusion matrix, and how sure a score read from it can be."""

import numpy as np
from numpy.typing import NDArray

DRAWS = 1000


def confusion_matrix(
    probabilities: NDArray[np.floating], references: NDArray[np.integer], num_labels: int
) -> NDArray[np.int64]:
    """Count examples by true and predicted class.

    Args:
        probabilities: Shape (n, num_labels); the largest of a row is its prediction.
        references: True class ids, shape (n,).
        num_labels: Number of classes.

    Returns:
        Counts, shape (num_labels, num_labels): rows are true classes, columns predicted ones.
    """
    predicted = np.argmax(probabilities, axis=1)
    cells = np.bincount(references.astype(np.int64) * num_labels + predicted, minlength=num_labels**2)
    return cells.reshape(num_labels, num_labels)


def macro_f1_interval(confusion: NDArray[np.integer], level: float = 0.95) -> tuple[float, float]:
    """Percentile bootstrap interval of macro F1 (Efron 1979), the test examples drawn anew with replacement.

    To draw examples is to draw the cells of their confusion matrix from a multinomial distribution, so the matrix
    is enough. The seed is fixed: equal matrices give equal intervals. The interval covers the choice of the test
    examples only, not that of the training data or of the training's seed.

    Args:
        confusion: Counts, shape (num_labels, num_labels), with a sum of at least 1.
        level: Share of the draws that lies inside.

    Returns:
        The lower and the upper end, each in [0, 1].
    """
    size, count = len(confusion), int(confusion.sum())
    draws = np.random.default_rng(0).multinomial(count, confusion.ravel() / count, size=DRAWS)
    draws = draws.reshape(DRAWS, size, size)
    hits, margins = np.einsum("dii->di", draws), draws.sum(axis=1) + draws.sum(axis=2)
    f1 = np.divide(2 * hits, margins, out=np.zeros(hits.shape), where=margins > 0).mean(axis=1)
    lower, upper = np.quantile(f1, [(1 - level) / 2, (1 + level) / 2])
    return float(lower), float(upper)
