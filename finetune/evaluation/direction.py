"""Which way a metric is better, and whether the one that picks checkpoints is there."""

from collections.abc import Iterable

from finetune.errors import FunctionsError

LOSS = "loss"
LOWER_IS_BETTER = (LOSS, "error", "perplexity", "brier")


def lower_is_better(metric: str) -> bool:
    """Whether a smaller value of this metric is the better one, told from its name."""
    return any(word in metric.lower() for word in LOWER_IS_BETTER)


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
