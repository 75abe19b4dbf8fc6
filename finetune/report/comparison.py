"""Puts the report of a comparison together: one HTML page on several models, without script or outside reference."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from finetune.comparison.compare import Comparison
from finetune.comparison.differences import Apart
from finetune.comparison.mcnemar import SURE
from finetune.comparison.table import Row
from finetune.evaluation.direction import lower_is_better
from finetune.evaluation.document import excerpts
from finetune.evaluation.names import BASELINES
from finetune.report.report import environment
from finetune.report.verdict import metric_name
from finetune.storage.uri import Place
from finetune.words import counted, duration


@dataclass(frozen=True)
class Shown:
    """An id on which models differ, as the page shows it."""

    apart: Apart
    folder: str
    """Where its files lie."""
    link: str | None
    """The same as a browser opens it; None of a folder in S3."""
    text: str | None


def build_comparison(
    comparison: Comparison,
    *,
    run: Mapping[str, Any],
    reconciled: Place,
    text: str | None,
    checks: Sequence[Mapping[str, Any]] = (),
) -> str:
    """Build the page.

    Args:
        comparison: What it says.
        run: experiment, run_number, stack and started of the run.
        reconciled: The folder of all ids at home.
        text: File at home whose text is shown for the ids on which models differ; None shows none.
        checks: What the data checks found, as `Finding.to_dict` gives it.

    Returns:
        A whole HTML document, to be written as UTF-8.
    """
    models = [row.name for row in comparison.rows if row.kind == "model"]
    template = environment().get_template("comparison.html.j2")
    return template.render(
        comparison=comparison,
        run=run,
        title=title(comparison),
        headline=metric_name(comparison.headline),
        baselines=BASELINES,
        names={metric: metric_name(metric) for metric in comparison.metrics},
        best=best_values(comparison),
        models=models,
        seconds=seconds_told,
        ids=shown_ids(comparison.apart, reconciled, text),
        text=text,
        checks=checks,
    )


def title(comparison: Comparison) -> str:
    """One sentence: the best model, how good it is, how far ahead, and whether that may be luck."""
    rows = [row for row in comparison.rows if row.kind == "model"]
    if not rows:
        return f"None of {counted(len(comparison.models), 'model')} has a result."
    value = rows[0].metrics.get(comparison.headline)
    told = f"{metric_name(comparison.headline)} {'unknown' if value is None else format(value, '.3f')}"
    where = f"on {counted(comparison.ids, 'test id')}"
    if comparison.best is None:
        return f"Only {rows[0].name} has a result: {told} {where}."
    first, best = rows[0].name, comparison.best
    if round(abs(best.difference), 3) == 0:
        return f"{first} and {best.second} are level: {told} {where}."
    way = "above" if best.difference > 0 else "below"
    sure = "hardly luck" if best.mcnemar.p < SURE else "which may be luck"
    return f"{first} is best: {told} {where}, {abs(best.difference):.3f} {way} {best.second}, {sure}."


def best_values(comparison: Comparison) -> dict[str, float]:
    """The best value of each column, baselines included."""
    found = {}
    for metric in comparison.metrics:
        values = [row.metrics[metric] for row in comparison.rows if metric in row.metrics]
        found[metric] = min(values) if lower_is_better(metric) else max(values)
    return found


def seconds_told(row: Row) -> str:
    """How long its steps worked."""
    return ", ".join(f"{step} {duration(seconds)}" for step, seconds in row.seconds.items()) or "–"


def shown_ids(rows: Sequence[Apart], reconciled: Place, text: str | None) -> list[Shown]:
    """The ids with their folders and the beginnings of their texts.

    Raises:
        EvaluateError: A text cannot be read.
    """
    texts = excerpts(reconciled, [row.guid for row in rows], text)
    return [_shown(row, reconciled / row.guid, found) for row, found in zip(rows, texts, strict=True)]


def _shown(row: Apart, folder: Place, text: str | None) -> Shown:
    link = folder.resolve().as_uri() if isinstance(folder, Path) else None
    return Shown(row, str(folder), link, text)
