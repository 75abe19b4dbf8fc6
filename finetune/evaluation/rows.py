"""What probabilities and true class ids must look like before anything is computed from them."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from finetune.errors import EvaluateError


def check_rows(probabilities: NDArray[np.floating], references: NDArray[np.integer], labels: Sequence[str]) -> None:
    """Refuse rows that cannot be scored.

    Args:
        probabilities: Shape (n, num_labels), n at least 1, all finite.
        references: Class ids below num_labels, shape (n,).
        labels: Names in id order.

    Raises:
        EvaluateError: Shapes do not fit, a probability is not finite, or a class id is out of range.
    """
    rows = len(references)
    if probabilities.shape != (rows, len(labels)) or references.ndim != 1:
        raise EvaluateError(
            f"predictions must have shape ({rows}, {len(labels)}), a row per true class id and a column per label, "
            f"but got {probabilities.shape}; check that get_model builds one output per label"
        )
    if rows == 0:
        raise EvaluateError("there is no row to score: the split is empty")
    broken = int((~np.isfinite(probabilities)).any(axis=1).sum())
    if broken:
        raise EvaluateError(
            f"predictions must be finite, but {broken} of {rows} rows hold NaN or infinity; the training diverged: "
            "lower train.learning_rate, or set train.precision to fp32"
        )
    if references.min() < 0 or references.max() >= len(labels):
        raise EvaluateError(
            f"true class ids must lie in 0..{len(labels) - 1}, but got {references.min()}..{references.max()}; "
            "check that encode_data writes label2id[label] into `labels`"
        )
