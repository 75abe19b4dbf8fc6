"""The scores of a classifier, computed by this project's own `evaluate` metrics, which are loaded by path."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from finetune.evaluation.rows import check_rows

METRICS = Path(__file__).with_name("metrics")


@dataclass(frozen=True)
class LabelScore:
    """How one label fares; precision, recall and F1 are 0 where their denominator is 0."""

    label: str
    support: int
    precision: float
    recall: float
    f1: float


def default_metrics(
    predictions: NDArray[np.floating], references: NDArray[np.integer], labels: list[str]
) -> dict[str, float]:
    """Score class probabilities; this is what an experiment without compute_metrics gets.

    Args:
        predictions: Probabilities, shape (n, num_labels); the largest of a row is its prediction.
        references: True class ids, shape (n,).
        labels: Names in id order.

    Returns:
        accuracy, macro_f1 (over all labels), weighted_f1, and precision_<label> and recall_<label> of each label.

    Raises:
        EvaluateError: Shapes do not fit, a probability is not finite, or a class id is out of range.
    """
    scores = _scores(predictions, references, labels)
    result = {name: scores[name] for name in ("accuracy", "macro_f1", "weighted_f1")}
    for index, label in enumerate(labels):
        result[f"precision_{label}"] = scores["precision"][index]
        result[f"recall_{label}"] = scores["recall"][index]
    return result


def per_label_table(
    predictions: NDArray[np.floating], references: NDArray[np.integer], labels: list[str]
) -> list[LabelScore]:
    """Score each label, in id order. Arguments and errors are those of default_metrics."""
    scores = _scores(predictions, references, labels)
    columns = (scores[name] for name in ("support", "precision", "recall", "f1"))
    return [LabelScore(*row) for row in zip(labels, *columns, strict=True)]


def _scores(predictions: NDArray[np.floating], references: NDArray[np.integer], labels: list[str]) -> dict[str, Any]:
    check_rows(predictions, references, labels)
    metric = load_metric("classification")
    result: dict[str, Any] = metric.compute(
        predictions=np.argmax(predictions, axis=1), references=references, num_labels=len(labels)
    )
    return result


def load_metric(name: str) -> Any:
    """Load metrics/<name>/<name>.py as an `evaluate.Metric`; a path never makes the library ask the network.

    Each call gives an object of its own, because a metric object holds rows while it computes.
    """
    # evaluate imports transformers: seconds that only a caller of a metric should pay.
    import evaluate

    return evaluate.load(str(METRICS / name / f"{name}.py"), keep_in_memory=True)
