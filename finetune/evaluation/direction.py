"""Which way a metric is better, and whether the one that picks checkpoints is there."""

import math
from collections.abc import Iterable, Mapping

from finetune.errors import FunctionsError

LOSS = "loss"
LOWER_IS_BETTER = (LOSS, "error", "perplexity", "brier")


def lower_is_better(metric: str) -> bool:
    """Whether a smaller value of this metric is the better one, told from its name."""
    return any(word in metric.lower() for word in LOWER_IS_BETTER)


def best_point(history: Iterable[Mapping[str, float]], best_metric: str) -> Mapping[str, float] | None:
    """The validation whose checkpoint is kept: the best by this metric, the earliest of equals; None if none has it.

    Args:
        history: Points of the loss curve; those of a validation hold validation_<metric>.
        best_metric: The config's `train.best_metric`.
    """
    name, sign = f"validation_{best_metric}", -1 if lower_is_better(best_metric) else 1
    points = [point for point in history if math.isfinite(point.get(name, math.nan))]
    return max(points, key=lambda point: sign * point[name], default=None)


def check_best_metric(best_metric: str, computed: Iterable[str]) -> None:
    """Refuses a `train.best_metric` that is neither the loss nor among the metrics that compute_metrics returned.

    Raises:
        FunctionsError: It is not; the message names those that are.
    """
    names = list(computed)
    if best_metric != LOSS and best_metric not in names:
        raise FunctionsError(
            f"train.best_metric: must be {LOSS} or a metric that compute_metrics returns ({', '.join(names)}), "
            f"but got {best_metric!r} (the default is macro_f1)"
        )
