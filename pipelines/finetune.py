"""The pipeline `finetune`: snapshot to evaluate, a study, a comparison and a registration where they are asked for."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from zenml import pipeline

from finetune.code_hash import code_hash
from finetune.config.experiment import ONLY, ExperimentConfig
from finetune.experiment import Home
from finetune.functions import Functions
from finetune.invocations import invocation
from finetune.source.closure import Sources
from finetune.source.roots import project_roots
from pipelines.exchanged import ended, exchanged
from pipelines.prepared import prepare_all
from pipelines.registered import Evaluated, gate_and_register
from pipelines.transformed import transform_and_score
from steps.check_data import check_data
from steps.compare import compare
from steps.conclude import conclude
from steps.evaluate import evaluate
from steps.fetch import fetch
from steps.reconcile import reconcile
from steps.snapshot import snapshot
from steps.train import train
from steps.tune import tune
from steps.tuning_job import tuning_job

CALLS = {
    "reconcile": ("process_func",),
    "check_data": (),
    "prepare": ("get_dataset_features", "encode_data"),
    "divide": (),
    "encode_group": ("get_dataset_features", "encode_data"),
    "merge": (),
    "tune": ("get_model", "compute_metrics"),
    "train": ("get_model", "compute_metrics"),
    "evaluate": ("get_model", "compute_metrics"),
    "compare": ("compute_metrics",),
    "gate": ("encode_data", "get_model", "compute_metrics"),
    "metrics": ("compute_metrics",),
}
"""The functions that each step calls."""


def code_of_steps(name: str, functions: Functions, calls: Mapping[str, Sequence[str]] = CALLS) -> dict[str, str]:
    """The hash of the code that each step depends on: its own, and that of the functions that it calls.

    Args:
        name: Folder of experiments/ that holds the functions.
        functions: The functions themselves; one that is None counts for nothing.
        calls: The functions that each step calls.
    """
    sources = Sources(project_roots())
    return {
        step: code_hash(
            f"steps.{step}:{step}",
            *(f"experiments.{name}.functions:{call}" for call in called if getattr(functions, call) is not None),
            sources=sources,
        )
        for step, called in calls.items()
    }


def experiment(
    config: dict[str, Any], code: dict[str, str], groups: list[dict[str, Any]], search: Callable[..., Any]
) -> None:
    """The steps of one experiment, called by a pipeline.

    Args:
        config: Its resolved config.
        code: The hash of the code that each step depends on.
        groups: The models that share a dataset, as finetune/prepare/alike.py tells them.
        search: Gives the artifact with the best parameters of a study.
    """
    settings = ExperimentConfig.model_validate(config)
    home, models = Home(settings.root, settings.experiment), settings.all_models
    taken, labels, manifest = _reconciled(home, settings, code["reconcile"])
    checks = _checked(taken, manifest, labels, home, settings, code["check_data"])
    # a check that may fail holds up what follows; one that only warns goes on beside it where steps have machines
    waits = checks if "fail" in settings.checks.severities else None
    prepared = prepare_all(manifest, home, settings, code, groups, after=waits)
    if settings.features.exchange == "by_name":
        prepared = {ONLY: exchanged(*prepared[ONLY], manifest, home, settings)}
    tuned = search(settings, home, *prepared[ONLY], code["tune"]) if settings.steps.tune else None
    if not settings.steps.train:
        return
    evaluated = [
        _train_and_evaluate(name, prepared[name], manifest, home, settings, code, tuned, checks) for name in models
    ]
    compared, page = _compared(evaluated, manifest, checks, home, settings, code["compare"])
    if settings.steps.register:
        registered = gate_and_register(evaluated, page, compared, home, settings, code)
        if settings.steps.transform:
            transform_and_score(registered, prepared[next(iter(models))][0], home, settings, code)


def _reconciled(home: Home, settings: ExperimentConfig, code: str) -> tuple[Any, Any, Any]:
    """The artifacts of production as it is, of its label counts, and of the manifest."""
    production = settings.production
    if production.group is not None:
        fetch(production=production, home=home)
        production = production.model_copy(update={"files": str(home.fetched)})
    taken, labels = snapshot(production, home, after=ended("fetch") if settings.production.group else None)
    manifest = reconcile(
        production=taken,
        home=home,
        folder=production.files,
        files_from_production=production.files_from_production,
        files_at_home=settings.files_at_home,
        settings=settings.reconcile,
        functions=settings.functions,
        code=code,
    )
    return taken, labels, manifest


def _checked(production: Any, manifest: Any, labels: Any, home: Home, settings: ExperimentConfig, code: str) -> Any:
    """The artifact with what the data checks found; None where all are ignored."""
    if settings.checks.severities == {"ignore"}:
        return None
    return check_data(
        production=production,
        manifest=manifest,
        labels=labels,
        home=home,
        settings=settings.checks,
        choice=settings.prepare.choice,
        text=settings.evaluate.baseline_text,
        code=code,
    )


def _train_and_evaluate(
    name: str,
    prepared: tuple[Any, Any],
    manifest: Any,
    home: Home,
    settings: ExperimentConfig,
    code: Mapping[str, str],
    tuned: Any,
    checks: Any,
) -> Evaluated:
    """One model's branch, with the parameters that a study found best."""
    dataset, preparation = prepared
    models = settings.all_models
    section, train_settings = models[name]
    model, history = train(
        dataset=dataset,
        preparation=preparation,
        home=home,
        settings=train_settings,
        model=section,
        functions=settings.functions,
        code=code["train"],
        tuned=tuned,
        id=invocation("train", name, models),
    )
    metrics, predictions, report = evaluate(
        model=model,
        dataset=dataset,
        preparation=preparation,
        history=history,
        manifest=manifest,
        checks=checks,
        home=home,
        settings=settings.evaluate,
        functions=settings.functions,
        code=code["evaluate"],
        id=invocation("evaluate", name, models),
    )
    return metrics, predictions, report


def _compared(
    evaluated: Sequence[Evaluated], manifest: Any, checks: Any, home: Home, settings: ExperimentConfig, code: str
) -> tuple[Any, Any]:
    """The artifact of the comparison, None where there is one model, and that of the report that the user opens."""
    models = list(settings.all_models)
    if len(models) == 1:
        return None, evaluated[0][2]
    compared, page = compare(
        metrics=[metrics for metrics, _, _ in evaluated],
        predictions=[predictions for _, predictions, _ in evaluated],
        manifest=manifest,
        checks=checks,
        models=models,
        home=home,
        best_metric=settings.train.best_metric,
        baseline_text=settings.evaluate.baseline_text,
        functions=settings.functions,
        code=code,
    )
    conclude(compared)
    return compared, page


def tuned_here(config: ExperimentConfig, home: Home, dataset: Any, preparation: Any, code: str) -> Any:
    """The artifact with the best parameters of a study that is carried out, or waited for, by one step."""
    carry_out = tune if config.tune.engine == "study" else tuning_job
    best, _, _ = carry_out(
        dataset=dataset,
        preparation=preparation,
        home=home,
        settings=config.tune,
        train=config.train,
        model=config.all_models[ONLY][0],
        functions=config.functions,
        code=code,
        id="tune",
    )
    return best


@pipeline(name="finetune", enable_cache=True)
def finetune(config: dict[str, Any], code: dict[str, str], groups: list[dict[str, Any]]) -> None:
    """Runs one experiment; takes what `experiment` takes."""
    experiment(config, code, groups, tuned_here)
