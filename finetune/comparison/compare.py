"""Puts a comparison together: from what each model's evaluate left behind, or from its failure."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from finetune.calls import call
from finetune.comparison.agreement import Agreement, agreements
from finetune.comparison.answers import Answers, read_answers
from finetune.comparison.bootstrap import Compute, Drawn, Interval, draw, interval
from finetune.comparison.differences import Apart, LabelDifference, apart, per_label
from finetune.comparison.mcnemar import McNemar, mcnemar, told
from finetune.comparison.table import Row, ranked, shown_metrics
from finetune.evaluation.scores import default_metrics
from finetune.report.verdict import beaten_by, headline_metric


@dataclass(frozen=True)
class BestTwo:
    """The two models with the best headline metric."""

    first: str
    second: str
    difference: float
    """First less second, of the headline metric."""
    interval: Interval | None
    """Of the difference, drawn in pairs."""
    mcnemar: McNemar
    told: str
    """The test's result in words."""


@dataclass(frozen=True)
class Comparison:
    """What is known of several models on one test split."""

    models: list[str]
    """All of them, in the config's order."""
    failures: Mapping[str, Mapping[str, str]]
    """Step and error of each model that failed."""
    headline: str
    metrics: list[str]
    """The table's columns."""
    rows: list[Row]
    ids: int
    """Test ids that were compared; 0 where no model has a result."""
    left_out: int
    """Test ids that not every model saw."""
    best: BestTwo | None
    """None where fewer than two models have a result."""
    per_label: list[LabelDifference]
    agreement: list[Agreement]
    apart: list[Apart]

    @property
    def ahead(self) -> list[str]:
        """Baselines that the best model does not beat on the headline metric."""
        first = next((row.metrics for row in self.rows if row.kind == "model"), None)
        baselines = {row.name: row.metrics for row in self.rows if row.kind == "baseline"}
        return [] if first is None else beaten_by(self.headline, first, baselines)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as JSON holds them."""
        return {**asdict(self), "ahead": self.ahead}


def compare(
    evaluated: Mapping[str, Mapping[str, Any]],
    predictions: Mapping[str, Path],
    *,
    seconds: Mapping[str, Mapping[str, float]],
    costs: Mapping[str, str],
    compute_metrics: Compute | None,
    best_metric: str,
) -> Comparison:
    """Compares the models that have a result.

    Args:
        evaluated: What evaluate gave for each model: metrics, baselines and labels, or `failure`.
        predictions: Parquet file of each model's predictions.
        seconds: Seconds of work by model and step.
        costs: What each model's steps cost, in words.
        compute_metrics: The experiment's function; None stands for the default metrics.
        best_metric: The config's train.best_metric, which ranks the models if it is among their metrics.

    Raises:
        CompareError: The models' predictions cannot be compared.
        FunctionsError: compute_metrics raised.
    """
    failures = {model: each["failure"] for model, each in evaluated.items() if "failure" in each}
    failed = [
        Row(model, "failed", seconds=seconds[model], cost=costs[model], failure=f"{each['step']}: {each['error']}")
        for model, each in failures.items()
    ]
    good = {model: each for model, each in evaluated.items() if model not in failures}
    if not good:
        return Comparison(list(evaluated), failures, best_metric, [], failed, 0, 0, None, [], [], [])
    any_of = next(iter(good.values()))
    answers = read_answers({model: predictions[model] for model in good}, any_of["labels"])
    drawn = draw(answers, compute_metrics)
    scored = {model: _row(model, answers, drawn, compute_metrics) for model in good}
    headline = headline_metric(best_metric, next(iter(scored.values())).metrics)
    order = ranked({model: row.metrics for model, row in scored.items()}, headline)
    models = [replace(scored[model], seconds=seconds[model], cost=costs[model]) for model in order]
    baselines = [Row(name, "baseline", each) for name, each in any_of["baselines"].items()]
    rows = [*models, *failed, *baselines]
    return Comparison(
        models=list(evaluated),
        failures=failures,
        headline=headline,
        metrics=shown_metrics(rows, answers.labels),
        rows=rows,
        ids=len(answers.guids),
        left_out=answers.left_out,
        best=_best_two(models[:2], answers, drawn, headline) if len(models) > 1 else None,
        per_label=per_label(answers),
        agreement=list(agreements(answers)),
        apart=apart(answers),
    )


def _row(model: str, answers: Answers, drawn: Drawn, compute_metrics: Compute | None) -> Row:
    compute = compute_metrics or default_metrics
    probabilities, labels = answers.probabilities[model], list(answers.labels)
    found = call("compute_metrics", compute, probabilities, answers.references, labels)
    intervals = {metric: interval(drawn[model][metric]) for metric in found if metric in drawn[model]}
    metrics = {metric: float(value) for metric, value in found.items()}
    return Row(model, "model", metrics, {metric: each for metric, each in intervals.items() if each is not None})


def _best_two(rows: list[Row], answers: Answers, drawn: Drawn, headline: str) -> BestTwo:
    first, second = (row.name for row in rows)
    draws = [drawn[model].get(headline, np.array([np.nan])) for model in (first, second)]
    result = mcnemar(answers.right(first), answers.right(second))
    return BestTwo(
        first=first,
        second=second,
        difference=rows[0].metrics[headline] - rows[1].metrics[headline],
        interval=interval(draws[0] - draws[1]),
        mcnemar=result,
        told=told(first, second, result),
    )
