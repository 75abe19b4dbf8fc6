"""Which way a metric is better, and whether the one that picks checkpoints is there."""

import math
import re
from collections.abc import Iterable, Mapping

from finetune.errors import FunctionsError

LOSS = "loss"
LOWER_IS_BETTER = (LOSS, "error", "perplexity", "brier", "entropy", "deviance", "distance")
"""Parts of the names of metrics of which the smaller value is the better one."""
ABBREVIATED = frozenset({"nll", "mae", "mse", "rmse", "mape", "ece", "mce", "wer", "cer", "ter", "eer", "fpr", "fnr"})
"""Such names, or words of them between underscores."""
OF_LABELS = ("precision_", "recall_", "f1_")
"""Beginnings of metrics of one label, whose name may be any word."""


def lower_is_better(metric: str) -> bool:
    """Whether a smaller value of this metric is the better one, told from its name."""
    name = metric.lower()
    if name.startswith(OF_LABELS):
        return False
    return any(word in name for word in LOWER_IS_BETTER) or not ABBREVIATED.isdisjoint(re.split(r"[^a-z0-9]", name))


_LOSS = "validation_loss"


def best_point(history: Iterable[Mapping[str, float]], best_metric: str) -> Mapping[str, float] | None:
    """The validation whose checkpoint is kept: the best by this metric, None if none has it.

    Of equals it is the one with the lower loss, and the earliest of those: on a small split many count the same.

    Args:
        history: Points of the loss curve; those of a validation hold validation_<metric>.
        best_metric: The config's `train.best_metric`.
    """
    name, sign = f"validation_{best_metric}", -1 if lower_is_better(best_metric) else 1
    points = [point for point in history if math.isfinite(point.get(name, math.nan))]
    return max(points, key=lambda point: (sign * point[name], -point.get(_LOSS, math.inf)), default=None)


def check_best_metric(best_metric: str, computed: Iterable[str]) -> None:
    """Refuses a `train.best_metric` that is neither the loss nor among the metrics that compute_metrics returned.

    Raises:
        FunctionsError: It is not; the message names those that are.
    """
    _check("train.best_metric", best_metric, computed, "the default is macro_f1")


def check_objective(objective: str, computed: Iterable[str]) -> None:
    """Refuses a `tune.objective` in the same way.

    Raises:
        FunctionsError: As above.
    """
    _check("tune.objective", objective, computed, "the default is train.best_metric")


def check_gates(gate: Iterable[str], first: Iterable[str], computed: Iterable[str]) -> None:
    """Refuses a metric of `register.gate`, or of `train.gate`, that nobody computes; the latter knows the loss, too.

    Raises:
        FunctionsError: There is one; the message names those that are computed.
    """
    names = list(computed)
    for key, wanted, known in (("register.gate", gate, names), ("train.gate", first, [LOSS, *names])):
        unknown = [metric for metric in wanted if metric not in known]
        if unknown:
            raise FunctionsError(
                f"{key}: names {', '.join(unknown)}, which nobody computes; known are {', '.join(known)}"
            )


def _check(key: str, metric: str, computed: Iterable[str], default: str) -> None:
    names = list(computed)
    if metric != LOSS and metric not in names:
        raise FunctionsError(
            f"{key}: must be {LOSS} or a metric that compute_metrics returns ({', '.join(names)}), "
            f"but got {metric!r} ({default})"
        )
