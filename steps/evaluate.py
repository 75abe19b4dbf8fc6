"""Evaluates the model on the test split, beside the baselines, and writes the report."""

import time
from dataclasses import replace
from typing import Annotated, Any

from datasets import DatasetDict
from zenml import log_metadata, step
from zenml.types import HTMLString

from finetune.artifacts import ModelFolder, Predictions
from finetune.config.evaluate import EvaluateConfig
from finetune.evaluation.evaluate import evaluate as evaluate_model
from finetune.evaluation.evaluate import write_nothing
from finetune.experiment import Home
from finetune.failure import Failure, failure_in
from finetune.functions import load_functions
from finetune.hardware import hardware
from finetune.prepare.columns import GUID
from finetune.reconcile.at_home import refuse_changed
from finetune.reconcile.manifest import Manifest
from finetune.reconcile.occupant import refuse_other
from finetune.report.failure import failure_page
from finetune.report.gather import report_facts
from finetune.report.report import build_report
from finetune.tracking.results import track_evaluation
from materializers.table import TableMaterializer
from steps.outcome import attempted, failed, run_of_model
from steps.tracking import tracked
from steps.work import hardware_so_far, seconds_so_far, working

Evaluated = tuple[dict[str, Any], Predictions, HTMLString]


@step(output_materializers={"predictions": TableMaterializer})
def evaluate(
    model: ModelFolder,
    dataset: DatasetDict,
    preparation: dict[str, Any],
    history: list[dict[str, float]],
    manifest: Manifest,
    home: Home,
    settings: EvaluateConfig,
    functions: str,
    code: str,
    checks: list[dict[str, Any]] | None = None,
) -> tuple[
    Annotated[dict[str, Any], "metrics"],
    Annotated[Predictions, "predictions"],
    Annotated[HTMLString, "report"],
]:
    """Computes metrics, predictions and report, which shows `checks`; `code` is the hash of model and metrics."""
    started = time.perf_counter()
    with working() as scratch:

        def work() -> Evaluated:
            with tracked() as trackers:
                _refuse_changed_texts(manifest, home, dataset, settings.baseline_text)
                evaluation = evaluate_model(
                    model.path,
                    dataset,
                    reconciled=home.reconciled,
                    functions=load_functions(functions),
                    batch_size=settings.batch_size,
                    baseline_text=settings.baseline_text,
                    mistakes=settings.mistakes,
                    target=scratch / "predictions.parquet",
                )
                refuse_other(home, manifest)  # at the end: it holds for all texts that the baseline read
                log_metadata({"metrics": evaluation.metrics, **evaluation.baselines})
                seconds = {**seconds_so_far(), "evaluate": time.perf_counter() - started}
                facts = report_facts(evaluation, preparation, history, manifest, run=run_of_model(), seconds=seconds)
                machines = {**hardware_so_far(), "evaluate": hardware()}
                report = build_report(replace(facts, checks=checks or (), hardware=machines))
                track_evaluation(trackers, evaluation, report)
            return evaluation.to_dict(), Predictions(evaluation.predictions), HTMLString(report)

        def instead(failure: Failure) -> Evaluated:
            nothing = write_nothing(scratch / "nothing.parquet")
            return {"failure": failure.to_dict()}, Predictions(nothing), HTMLString(failure_page(failure))

        earlier = failure_in(model.path)
        metrics, predictions, report = attempted(work, instead) if earlier is None else failed(earlier, instead)
        return metrics, predictions, report


def _refuse_changed_texts(manifest: Manifest, home: Home, dataset: DatasetDict, name: str | None) -> None:
    if name is not None:
        guids = {guid for split in dataset.values() for guid in split[GUID][:]}
        refuse_changed(manifest, home, sorted(guids), [name])
