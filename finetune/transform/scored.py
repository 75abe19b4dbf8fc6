"""Answers of a transform as evaluate has predictions, and the metrics that follow from them."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from finetune.calls import call
from finetune.comparison.answers import read_answers
from finetune.errors import TransformError
from finetune.evaluation.evaluate import write_predictions
from finetune.evaluation.scores import default_metrics
from finetune.transform.work import Answered

Compute = Callable[..., Mapping[str, Any]]
THIS = "transform"


def tabulate(answered: Sequence[Answered], references: Mapping[str, int], labels: Sequence[str], target: Path) -> Path:
    """Writes the Parquet file with a row per answered id, in the order of `references`.

    Args:
        answered: The answers.
        references: Class id of each test id.
        labels: The labels in order of class id.
        target: The file.

    Raises:
        TransformError: Nothing was answered.
    """
    by_guid = {each.guid: each.probabilities for each in answered}
    guids = [guid for guid in references if guid in by_guid]
    if not guids:
        raise TransformError(
            f"transform: none of the {len(references)} test ids has an answer; see transform/failed.jsonl in "
            "the folder of the run"
        )
    rows = np.array([[by_guid[guid][label] for label in labels] for guid in guids], dtype=np.float32)
    write_predictions(target, guids, np.array([references[guid] for guid in guids]), rows, labels)
    return target


def scored(
    predictions: Path, labels: Sequence[str], compute_metrics: Compute | None, evaluated: Mapping[str, float | None]
) -> dict[str, dict[str, float]]:
    """Metrics of a transform's answers, and how far each is from evaluate's.

    Args:
        predictions: What `tabulate` wrote.
        labels: The labels in order of class id.
        compute_metrics: The experiment's function; None stands for the default metrics.
        evaluated: The metrics of evaluate for the same model and split.

    Raises:
        FunctionsError: compute_metrics raised.
    """
    answers = read_answers({THIS: predictions}, list(labels))
    compute = compute_metrics or default_metrics
    given = call("compute_metrics", compute, answers.probabilities[THIS], answers.references, list(labels))
    metrics = {name: float(value) for name, value in given.items()}
    differences = {
        name: abs(metrics[name] - value) for name, value in evaluated.items() if value is not None and name in metrics
    }
    return {"metrics": metrics, "differences": differences}
