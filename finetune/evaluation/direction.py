"""Which way a metric is better."""

LOWER_IS_BETTER = ("loss", "error", "perplexity", "brier")


def lower_is_better(metric: str) -> bool:
    """Whether a smaller value of this metric is the better one, told from its name."""
    return any(word in metric.lower() for word in LOWER_IS_BETTER)
