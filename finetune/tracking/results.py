"""What is tracked of an evaluation: metrics beside those of the baselines, the confusion matrix, and the report."""

import base64
from collections.abc import Mapping
from typing import TYPE_CHECKING

from finetune.tracking.trackers import Trackers

if TYPE_CHECKING:
    from finetune.evaluation.evaluate import Evaluation


def track_evaluation(trackers: Trackers, evaluation: "Evaluation", report: str) -> None:
    """Tracks it; without trackers nothing is drawn."""
    if not trackers:
        return
    from finetune.report.plots import confusion_plot

    trackers.metrics(result_names(evaluation.metrics, evaluation.baselines))
    drawn = confusion_plot(evaluation.confusion, evaluation.labels)
    trackers.file("confusion.svg", base64.b64decode(drawn.partition(",")[2]))
    trackers.file("report.html", report.encode())


def result_names(metrics: Mapping[str, float], baselines: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    """Metrics of the test split as `test_macro_f1`, those of a baseline as `tfidf_macro_f1`."""
    named = {"test": metrics, **baselines}
    return {f"{who}_{name}": value for who, found in named.items() for name, value in found.items()}
