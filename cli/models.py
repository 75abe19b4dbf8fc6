"""What came of several models: for run.json, and as a table for the terminal."""

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from finetune.evaluation.names import BASELINES

if TYPE_CHECKING:
    from rich.table import Table

COMPARISON, PAGE = "comparison", "comparison.html"
"""The artifact, and the name of its report in the run's folder."""
SHOWN = ("accuracy", "macro_f1", "weighted_f1")
FACTS = ("metrics", "intervals", "seconds", "cost")


def compared(comparison: Mapping[str, Any]) -> dict[str, Any]:
    """What run.json says of each model and of the baselines.

    Args:
        comparison: The artifact of compare.
    """
    rows = comparison["rows"]
    models = {row["name"]: {fact: row[fact] for fact in FACTS} for row in rows if row["kind"] == "model"}
    failed = {row["name"]: {"failure": row["failure"]} for row in rows if row["kind"] == "failed"}
    baselines = {row["name"]: row["metrics"] for row in rows if row["kind"] == "baseline"}
    return {"models": {**models, **failed}, "baselines": baselines}


def comparison_table(comparison: Mapping[str, Any]) -> "Table":
    """Metrics of each model with their 95 % intervals and seconds, those that failed, and the baselines."""
    from rich.table import Table

    table = Table()
    shown = shown_metrics(comparison["metrics"])
    for column in ("test split", *shown, "seconds"):
        table.add_column(column, justify="left" if column == "test split" else "right")
    for row in comparison["rows"]:
        seconds = f"{sum(row['seconds'].values()):.1f}" if row["seconds"] else ""
        table.add_row(BASELINES.get(row["name"], row["name"]), *(_cell(row, metric) for metric in shown), seconds)
    return table


def told(comparison: Mapping[str, Any]) -> Iterator[str]:
    """The lines below the table: what the intervals are, how the best two differ, and why models failed."""
    if comparison["ids"]:
        yield f"below each score its 95% interval over the choice of the {comparison['ids']:,} test ids"
    if comparison["best"]:
        yield comparison["best"]["told"]
    for baseline in comparison["ahead"]:
        yield f"{BASELINES.get(baseline, baseline)} is as good as the best of them, or better"
    for model, each in comparison["failures"].items():
        yield f"{model} failed in {each['step']}: {each['error']}"


def shown_metrics(metrics: Iterable[str]) -> list[str]:
    """The metrics that the terminal shows."""
    known = list(metrics)
    return [metric for metric in SHOWN if metric in known] or known[: len(SHOWN)]


def _cell(row: Mapping[str, Any], metric: str) -> str:
    if row["kind"] == "failed":
        return "failed"
    interval = row["intervals"].get(metric)
    ends = f"\n{number(interval[0])} to {number(interval[1])}" if interval else ""
    return f"{number(row['metrics'].get(metric))}{ends}"


def number(value: float | None) -> str:
    """A score as the terminal shows it."""
    return "-" if value is None else f"{value:.3f}"
