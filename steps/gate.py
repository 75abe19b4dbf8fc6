"""Asks whether the model is good enough to be registered; what comes of it, the step register decides."""

from pathlib import Path
from typing import Annotated, Any

from zenml import log_metadata, step
from zenml.types import HTMLString

from finetune.artifacts import Predictions
from finetune.comparison.table import best_of
from finetune.config.register import GateConfig
from finetune.evaluation.approved import beside_approved
from finetune.experiment import Home
from finetune.functions import load_functions
from finetune.gate.gate import Approved, judge
from finetune.registry.journal import read_journal
from finetune.report.gate import with_gate
from steps.lineage import artifacts_of_model, hash_of
from steps.work import working


@step
def gate(
    metrics: list[dict[str, Any]],
    predictions: list[Predictions],
    page: HTMLString,
    models: list[str],
    home: Home,
    settings: GateConfig,
    files_at_home: list[str],
    functions: str,
    code: str,
    comparison: dict[str, Any] | None = None,
) -> tuple[Annotated[dict[str, Any], "gate"], Annotated[HTMLString, "gated_report"]]:
    """Judges what evaluate gave for each model, of several the best; `page` is the report that the rules are put into.

    `code` is the hash of the functions.
    """
    with working() as scratch:
        at = 0 if comparison is None else models.index(best_of(comparison))
        evaluated = metrics[at]
        approved = _approved(home, settings, models[at], predictions[at], evaluated, files_at_home, functions, scratch)
        verdict = judge(evaluated["metrics"], settings, evaluated["baselines"], approved)
        log_metadata({"passed": verdict.passed, "reasons": [rule.reason for rule in verdict.rules]})
        told = {**verdict.to_dict(), "model": None if comparison is None else models[at]}
        return told, HTMLString(with_gate(page, told))


def _approved(
    home: Home,
    settings: GateConfig,
    model: str,
    predictions: Predictions,
    evaluated: dict[str, Any],
    files: list[str],
    functions: str,
    scratch: Path,
) -> Approved | None:
    wanted, version = settings.not_worse_than_approved, read_journal(home).production
    if wanted is None or version is None:
        return None
    return beside_approved(
        home,
        version,
        predictions.path,
        metric=wanted.metric,
        dataset_hash=hash_of(artifacts_of_model(model)["dataset"]),
        labels=evaluated["labels"],
        files=files,
        compute_metrics=load_functions(functions).compute_metrics,
        scratch=scratch,
    )
