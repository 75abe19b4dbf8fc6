"""What the run says, in words: pure."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from finetune.evaluation.direction import ABBREVIATED, lower_is_better
from finetune.evaluation.scores import LabelScore
from finetune.words import counted


def metric_name(metric: str) -> str:
    """A metric's name as people write it: macro_f1 becomes macro F1."""
    capital = {"f1", "auc", *ABBREVIATED}
    return " ".join(word.upper() if word in capital else word for word in metric.split("_"))


def headline_metric(wanted: str, metrics: Mapping[str, float]) -> str:
    """The metric of the verdict: the wanted one if the metrics hold it, else macro F1, else their first."""
    return next((name for name in (wanted, "macro_f1") if name in metrics), next(iter(metrics), wanted))


def verdict(
    headline: str,
    metrics: Mapping[str, float],
    baselines: Mapping[str, Mapping[str, float]],
    margins: Mapping[str, Mapping[str, Sequence[float]]],
    ids: int | None = None,
) -> str:
    """One sentence: the headline metric, on how many test ids, how far from each baseline, and whether by luck.

    Args:
        headline: Name of a metric.
        metrics: The model's metrics.
        baselines: Metrics of each baseline by name.
        margins: By baseline and metric, the interval of the distance.
        ids: Number of test ids; None where it is not known.
    """
    name, value = metric_name(headline), metrics.get(headline, math.nan)
    name, where = name[:1].upper() + name[1:], "on the test split" if ids is None else f"on {counted(ids, 'test id')}"
    if not math.isfinite(value):
        return f"{name} is not a number {where}."
    sentence = f"{name} {value:.3f} {where}"
    distances = [
        _distance(headline, value - scores[headline], baseline, margins.get(baseline, {}).get(headline))
        for baseline, scores in baselines.items()
        if math.isfinite(scores.get(headline, math.nan))
    ]
    return f"{sentence}: {', '.join(distances)}." if distances else f"{sentence}."


def _distance(metric: str, difference: float, baseline: str, ends: Sequence[float] | None) -> str:
    if round(abs(difference), 3) == 0:
        return f"level with {baseline}"
    luck = " (perhaps by luck)" if ends and ends[0] <= 0 <= ends[1] else ""
    if lower_is_better(metric):  # above would sound good
        return f"{abs(difference):.3f} {'worse' if difference > 0 else 'better'} than {baseline}{luck}"
    return f"{abs(difference):.3f} {'above' if difference > 0 else 'below'} {baseline}{luck}"


def beaten_by(headline: str, metrics: Mapping[str, float], baselines: Mapping[str, Mapping[str, float]]) -> list[str]:
    """Names of the baselines that the model does not beat on the headline metric."""
    sign = -1 if lower_is_better(headline) else 1
    own = sign * metrics.get(headline, math.nan)
    return [name for name, scores in baselines.items() if headline in scores and not own > sign * scores[headline]]


def weakest(per_label: Sequence[LabelScore]) -> LabelScore | None:
    """The label with the lowest F1 among those that the test split has; None if it has none."""
    return min((row for row in per_label if row.support), key=lambda row: row.f1, default=None)


def commonest_confusion(confusion: NDArray[np.integer], labels: Sequence[str]) -> tuple[str, str, int] | None:
    """True label, predicted label and count of the most frequent mistake; None if there is no mistake."""
    mistakes = confusion * (1 - np.eye(len(labels), dtype=np.int64))
    row, column = divmod(int(mistakes.argmax()), len(labels))
    count = int(mistakes[row, column])
    return (labels[row], labels[column], count) if count else None
