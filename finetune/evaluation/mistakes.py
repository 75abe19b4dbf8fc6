"""The wrong predictions that a model is surest of: mostly wrong labels, or what it has not understood."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Mistake:
    """A wrong prediction, and the probability that the model gave it."""

    guid: str
    true: str
    predicted: str
    probability: float
    excerpt: str | None = None
    """The beginning of its text; None where the config names no file of texts."""


def most_confident_mistakes(
    guids: Sequence[str],
    probabilities: NDArray[np.floating],
    references: NDArray[np.integer],
    labels: Sequence[str],
    count: int,
) -> list[Mistake]:
    """List the wrong predictions with the highest probability, highest first, ties by guid.

    Args:
        guids: Artifact id of each row, length n.
        probabilities: Shape (n, num_labels).
        references: True class ids, shape (n,).
        labels: Names in id order.
        count: Largest length of the list.
    """
    predicted = np.argmax(probabilities, axis=1)
    wrong = [int(row) for row in np.flatnonzero(predicted != references)]
    top = probabilities.max(axis=1)
    wrong.sort(key=lambda row: (-top[row], guids[row]))
    return [
        Mistake(guids[row], labels[references[row]], labels[predicted[row]], float(top[row])) for row in wrong[:count]
    ]
