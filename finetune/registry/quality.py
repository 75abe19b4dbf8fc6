"""A classifier's statistics in the form that SageMaker's Model Registry and Model Monitor read. Pure.

Form, names and the way to a standard deviation are those of
https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-model-quality-metrics.html. Weighted scores are means over
labels by their true examples, 0 where a denominator is, as in scikit-learn's `average="weighted", zero_division=0`.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

CONSTANT = "_best_constant_classifier"
LEAST, SHARE, DRAWS, SEED = 200, 0.8, 5, 0
"""A standard deviation is that of five random samples of 80 % each, and needs 200 examples."""
BETAS = {"weighted_f0_5": 0.5, "weighted_f1": 1.0, "weighted_f2": 2.0}

Matrix = NDArray[np.int64]


def multiclass_quality(confusion: Matrix) -> dict[str, Any]:
    """The statistics of a model, and of the best that always answers one label.

    Args:
        confusion: Counts, shape (labels, labels), rows true, columns predicted, with a sum of at least 1.

    Returns:
        `multiclass_classification_metrics` with the confusion matrix by class id, six scores of the model, and the
        same six of the constant classifier, each with value and standard deviation.
    """
    cells = {str(row): {str(column): int(n) for column, n in enumerate(of)} for row, of in enumerate(confusion)}
    scores = {
        **_scores(confusion),
        **{f"{name}{CONSTANT}": each for name, each in _scores(constant(confusion)).items()},
    }
    return {"multiclass_classification_metrics": {"confusion_matrix": cells, **scores}}


def constant(confusion: Matrix) -> Matrix:
    """The confusion matrix of a classifier that always answers the most frequent true label, the first of equals."""
    support = confusion.sum(axis=1)
    answered = np.zeros_like(confusion)
    answered[:, int(support.argmax())] = support
    return answered


def _scores(confusion: Matrix) -> dict[str, dict[str, float | str]]:
    values, spread = weighted_scores(confusion), _deviations(confusion)
    return {name: {"value": value, "standard_deviation": spread.get(name, "NaN")} for name, value in values.items()}


def weighted_scores(confusion: Matrix) -> dict[str, float]:
    """Accuracy, and recall, precision and F-beta of each label, weighted by its true examples."""
    hits, support, predicted = np.diag(confusion), confusion.sum(axis=1), confusion.sum(axis=0)
    ids = support.sum()

    def weighted(top: NDArray[Any], bottom: NDArray[Any]) -> float:
        ratio = np.divide(top, bottom, out=np.zeros(len(hits)), where=bottom > 0)
        return float((ratio * support).sum() / ids)

    squares = {name: beta**2 for name, beta in BETAS.items()}
    return {
        "accuracy": float(hits.sum() / ids),
        "weighted_recall": weighted(hits, support),
        "weighted_precision": weighted(hits, predicted),
        **{name: weighted((1 + of) * hits, of * support + predicted) for name, of in squares.items()},
    }


def _deviations(confusion: Matrix) -> Mapping[str, float]:
    """Of samples without replacement: to draw examples is to draw the cells of their matrix."""
    ids = int(confusion.sum())
    if ids < LEAST:
        return {}
    drawn = np.random.default_rng(SEED).multivariate_hypergeometric(confusion.ravel(), int(SHARE * ids), size=DRAWS)
    found = [weighted_scores(each.reshape(confusion.shape)) for each in drawn]
    return {name: float(np.std([each[name] for each in found], ddof=1)) for name in found[0]}
