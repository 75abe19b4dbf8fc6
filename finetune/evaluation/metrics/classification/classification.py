"""Hugging Face `evaluate` metric for single-label classification: one pass over class ids gives all usual scores.

It imports nothing of this project, because `evaluate` copies the file into its own module folder and runs it there.
"""

import datasets
import evaluate
import numpy as np

_DESCRIPTION = "Accuracy, macro and weighted F1, and precision, recall, F1 and support of each class."
_INPUTS = """
Args:
    predictions: Predicted class ids, shape (n,).
    references: True class ids, shape (n,).
    num_labels: Number of classes; classes that do not occur count in macro_f1 with an F1 of 0.

Returns:
    accuracy, macro_f1, weighted_f1: float in [0, 1].
    precision, recall, f1: list of float, one a class; 0 where the denominator is 0.
    support: list of int, true examples of each class.
"""


class Classification(evaluate.Metric):
    """Scores of single-label classification, computed from the confusion matrix."""

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description=_DESCRIPTION,
            citation="",
            inputs_description=_INPUTS,
            features=datasets.Features({"predictions": datasets.Value("int64"), "references": datasets.Value("int64")}),
            format="numpy",
        )

    def _compute(
        self, predictions: np.ndarray, references: np.ndarray, num_labels: int
    ) -> dict[str, float | list[float] | list[int]]:
        cells = np.bincount(references * num_labels + predictions, minlength=num_labels**2)
        confusion = cells.reshape(num_labels, num_labels)
        hits, support, predicted = np.diag(confusion), confusion.sum(axis=1), confusion.sum(axis=0)
        f1 = _ratio(2 * hits, support + predicted)
        return {
            "accuracy": float(hits.sum() / support.sum()),
            "macro_f1": float(f1.mean()),
            "weighted_f1": float((f1 * support).sum() / support.sum()),
            "precision": _ratio(hits, predicted).tolist(),
            "recall": _ratio(hits, support).tolist(),
            "f1": f1.tolist(),
            "support": support.tolist(),
        }


def _ratio(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """Quotient per class, 0 where the denominator is 0 (scikit-learn's zero_division=0)."""
    return np.divide(numerator, denominator, out=np.zeros(len(numerator)), where=denominator > 0)
