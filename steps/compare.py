"""Compares the models on the test split, and writes the report of the comparison."""

from typing import Annotated, Any

from zenml import log_metadata, step
from zenml.types import HTMLString

from finetune.artifacts import Predictions
from finetune.comparison.compare import compare as compare_models
from finetune.comparison.table import cost_of
from finetune.experiment import Home
from finetune.functions import load_functions
from finetune.reconcile.manifest import Manifest
from finetune.reconcile.occupant import refuse_other
from finetune.report.comparison import build_comparison
from steps.tracking import tracked
from steps.work import run_facts, seconds_of, working


@step
def compare(
    metrics: list[dict[str, Any]],
    predictions: list[Predictions],
    manifest: Manifest,
    models: list[str],
    home: Home,
    best_metric: str,
    baseline_text: str | None,
    functions: str,
    code: str,
    checks: list[dict[str, Any]] | None = None,
) -> tuple[Annotated[dict[str, Any], "comparison"], Annotated[HTMLString, "comparison_report"]]:
    """Compares what each model's evaluate gave, in the order of `models`; `code` is the hash of the metrics.

    The report shows `checks`.
    """
    with working(), tracked() as trackers:
        seconds, run = {model: seconds_of(model) for model in models}, run_facts()
        machines = run["config"]["compute"] if run.get("image") else None
        comparison = compare_models(
            dict(zip(models, metrics, strict=True)),
            {model: each.path for model, each in zip(models, predictions, strict=True)},
            seconds=seconds,
            costs={model: cost_of(seconds[model], machines) for model in models},
            compute_metrics=load_functions(functions).compute_metrics,
            best_metric=best_metric,
        )
        page = build_comparison(
            comparison, run=run, reconciled=home.reconciled, text=baseline_text, checks=checks or ()
        )
        refuse_other(home, manifest)  # at the end: it holds for all texts that are shown
        log_metadata({"failed": sorted(comparison.failures)})
        trackers.file("comparison.html", page.encode())
        return comparison.to_dict(), HTMLString(page)
