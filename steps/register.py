"""Registers the model that passed the gate, in every registry of the stack. Never cached: each run is a version."""

from pathlib import Path
from typing import Annotated, Any

import numpy as np
from zenml import get_step_context, log_metadata, step

from finetune import runs
from finetune.artifacts import Predictions
from finetune.config.tracking import TrackingConfig
from finetune.errors import CompareError, GateError
from finetune.evaluation.golden import golden_requests
from finetune.experiment import Home
from finetune.registry.enter import enter
from finetune.registry.facts import PACKAGE, STATISTICS, Facts, finite
from finetune.registry.quality import multiclass_quality
from finetune.serving.package import Package, write_package
from finetune.storage.cache import local_folder
from finetune.words import counted
from operators.registries.found import registries_of
from steps.lineage import all_artifacts, artifacts_of_model, hash_of
from steps.work import run_facts, working


@step(enable_cache=False)
def register(
    gate: dict[str, Any],
    metrics: list[dict[str, Any]],
    predictions: list[Predictions],
    models: list[str],
    home: Home,
    files_from_production: list[str],
    files_at_home: list[str],
    tracking: TrackingConfig,
    comparison: dict[str, Any] | None = None,
) -> Annotated[dict[str, str], "registered"]:
    """Gives the version's address in each registry.

    Raises:
        GateError: The gate failed.
        CompareError: One of several models failed, so that the best is not known.
    """
    with working() as scratch:
        _refuse_failed(comparison)
        _refuse_gated(gate)
        name = gate["model"] or models[0]
        at = models.index(name)

        def make() -> tuple[Path, Facts]:
            evaluated, model = metrics[at], local_folder(artifacts_of_model(name)["model"].uri)
            files = {"produced": files_from_production, "at_home": files_at_home}
            golden = golden_requests(home, model, predictions[at].path, **files)
            known = {"functions": run_facts()["config"]["functions"], "labels": evaluated["labels"]}
            package = write_package(model, **known, golden=golden, target=scratch / PACKAGE)
            return package.path, _facts(home, name, gate, evaluated, package)

        stack = get_step_context().pipeline_run.stack
        found = registries_of(stack, tracking.model_dump(mode="json"))
        addresses = enter(home, run_facts()["run_number"], make, found)
        log_metadata({"registries": list(addresses)})
        return addresses


def _refuse_failed(comparison: dict[str, Any] | None) -> None:
    if comparison and comparison["failures"]:
        raise CompareError(f"no model is registered, because some failed: {', '.join(comparison['failures'])}")


def _refuse_gated(gate: dict[str, Any]) -> None:
    failed = [rule for rule in gate["rules"] if not rule["passed"]]
    if failed:
        listed = "".join(f"\n  {rule['rule']}: {rule['reason']}" for rule in failed)
        rules = counted(len(gate["rules"]), "rule")
        raise GateError(f"the gate misses {len(failed)} of {rules}, so the model is not registered:{listed}")


def _facts(home: Home, model: str, gate: dict[str, Any], evaluated: dict[str, Any], package: Package) -> Facts:
    run, artifacts = run_facts(), artifacts_of_model(model)
    number = run["run_number"]
    versions, folder = runs.read(home, number).versions, home.model(number)
    return Facts(
        experiment=run["experiment"],
        run_number=number,
        model=gate["model"],
        functions=run["config"]["functions"],
        labels=evaluated["labels"],
        created=run["started"],
        stack=run["stack"],
        git_commit=versions.get("commit"),
        manifest_hash=hash_of(artifacts["manifest"]),
        dataset_hash=hash_of(artifacts["dataset"]),
        image=run.get("image"),
        metrics=finite(evaluated["metrics"]),
        baselines={name: finite(each) for name, each in evaluated["baselines"].items()},
        gate={"passed": gate["passed"], "rules": gate["rules"]},
        artifacts={name: artifact.uri for name, artifact in artifacts.items()},
        zenml_artifacts=all_artifacts(),
        zenml_run=str(get_step_context().pipeline_run.id),
        package={"uri": str(folder / PACKAGE), "sha256": package.sha256, "size": package.size},
        statistics=str(folder / STATISTICS),
        model_quality=multiclass_quality(np.array(evaluated["confusion"])),
    )
