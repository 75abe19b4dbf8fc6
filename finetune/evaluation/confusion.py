"""The confusion matrix."""

import numpy as np
from numpy.typing import NDArray


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
