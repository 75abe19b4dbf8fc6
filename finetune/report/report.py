"""Puts the report together: one HTML page without script or outside reference."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from finetune.evaluation.calibration import FEW
from finetune.evaluation.direction import best_point, lower_is_better
from finetune.evaluation.luck import most_wrong
from finetune.report.facts import ReportFacts
from finetune.report.verdict import (
    beaten_by,
    commonest_confusion,
    headline_metric,
    metric_name,
    verdict,
    weakest,
)
from finetune.words import duration

SPLITS = ("train", "validation", "test")
WIDE = 10
"""Labels above which the confusion matrix takes the whole width of the page."""


@dataclass(frozen=True)
class MetricRow:
    """One metric of the model and of each baseline; None is a value that is missing or not a number."""

    name: str
    values: tuple[float | None, ...]
    best: tuple[bool, ...]


def build_report(facts: ReportFacts) -> str:
    """Build the page.

    Args:
        facts: Everything it says.

    Returns:
        A whole HTML document, to be written as UTF-8.
    """
    headline = headline_metric(facts.headline, facts.metrics)
    ids = int(facts.confusion.sum())
    commonest = commonest_confusion(facts.confusion, facts.labels)
    kept = best_point(facts.history, facts.best_metric)
    return (
        environment()
        .get_template("page.html.j2")
        .render(
            facts=facts,
            ids=ids,
            verdict=verdict(headline, facts.metrics, facts.baselines, facts.luck.margins, ids),
            margins={name: of[headline] for name, of in facts.luck.margins.items() if headline in of},
            headline=metric_name(headline),
            not_beaten=beaten_by(headline, facts.metrics, facts.baselines),
            interval=facts.luck.intervals.get(headline) if commonest else None,
            most_wrong=most_wrong(ids) if ids and not commonest else None,
            weakest=weakest(facts.per_label),
            commonest=commonest,
            metrics=metric_rows(facts.metrics, facts.baselines, facts.labels),
            kept=kept,
            picked_by=metric_name(facts.best_metric),
            plots=_plots(facts, headline, kept["step"] if kept else None),
            wide=len(facts.labels) > WIDE,
            few=FEW if any(0 < part.count < FEW for part in facts.calibration.bins) else None,
            tied=_tied(facts.counts_after.get("train", {})),
            splits=SPLITS,
            data_labels=_data_labels(facts),
            config=yaml.safe_dump(dict(facts.config), sort_keys=False, allow_unicode=True, width=100),
        )
    )


def metric_rows(
    metrics: Mapping[str, float], baselines: Mapping[str, Mapping[str, float]], labels: Sequence[str]
) -> list[MetricRow]:
    """Set the model's metrics beside those of the baselines and mark the best; per-label metrics are left out."""
    per_label = {f"{kind}_{label}" for kind in ("precision", "recall", "f1") for label in labels}
    columns = [metrics, *baselines.values()]
    return [_metric_row(name, columns) for name in metrics if name not in per_label]


def _metric_row(name: str, columns: Sequence[Mapping[str, float]]) -> MetricRow:
    found = [column.get(name, math.nan) for column in columns]
    values = tuple(value if math.isfinite(value) else None for value in found)
    best = min if lower_is_better(name) else max
    top = best((value for value in values if value is not None), default=None)
    # Without a second value there is nothing to be best of.
    compared = sum(value is not None for value in values) > 1
    return MetricRow(metric_name(name), values, tuple(compared and value == top is not None for value in values))


def _tied(counts: Mapping[str, int]) -> bool:
    """Whether several labels are the most frequent."""
    return list(counts.values()).count(max(counts.values(), default=0)) > 1


def _data_labels(facts: ReportFacts) -> list[str]:
    """Labels of the dataset in id order, then those of production that are not in it, the most frequent first."""
    others = [label for label in facts.counts_before if label not in set(facts.labels)]
    return [*facts.labels, *sorted(others, key=lambda label: -facts.counts_before[label])]


def _plots(facts: ReportFacts, headline: str, kept: float | None) -> dict[str, str]:
    """The plots by name; a curve without a point is left out."""
    # matplotlib takes half a second to import, which a run whose evaluate comes from the cache does without
    from finetune.report import plots

    result = {
        "confusion": plots.confusion_plot(facts.confusion, facts.labels),
        "reliability": plots.reliability_plot(facts.calibration),
    }
    if plots.has_points(facts.history, "loss") or plots.has_points(facts.history, "validation_loss"):
        result["loss"] = plots.loss_curve(facts.history, kept)
    if headline != "loss" and plots.has_points(facts.history, f"validation_{headline}"):
        result["metric"] = plots.metric_curve(facts.history, headline, metric_name(headline), kept)
    names = _data_labels(facts)
    before = [facts.counts_before.get(label, 0) for label in names]
    after = {split: [facts.counts_after.get(split, {}).get(label, 0) for label in names] for split in SPLITS}
    result["before"] = plots.counts_plot({"production": before}, names)
    result["after"] = plots.counts_plot(after, names)
    return result


def environment() -> Environment:
    """The templates of this folder, with the filters that all pages use."""
    result = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    result.filters.update(score=_score, distance=_distance, share=_share, duration=duration)
    return result


def _score(value: Any) -> str:
    return "–" if value is None or not math.isfinite(value) else f"{value:.3f}"


def _distance(value: float) -> str:
    return f"{value:+.3f}"


def _share(value: float) -> str:
    return f"{value:.1%}" if math.isfinite(value) else "–"
