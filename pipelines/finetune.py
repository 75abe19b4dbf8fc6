"""The pipeline `finetune`: snapshot, reconcile, prepare, train, evaluate."""

from typing import Any

from zenml import pipeline

from finetune.code_hash import code_hash
from finetune.config.experiment import ExperimentConfig
from finetune.experiment import Home
from finetune.functions import Functions
from finetune.source.closure import Sources
from finetune.source.roots import project_roots
from steps.evaluate import evaluate
from steps.prepare import prepare
from steps.reconcile import reconcile
from steps.snapshot import snapshot
from steps.train import train

CALLS = {
    "reconcile": ("process_func",),
    "prepare": ("get_dataset_features", "encode_data"),
    "train": ("get_model", "compute_metrics"),
    "evaluate": ("get_model", "compute_metrics"),
}
"""The functions that each step calls."""


def code_of_steps(name: str, functions: Functions) -> dict[str, str]:
    """The hash of the code that each step depends on: its own, and that of the functions that it calls.

    Args:
        name: Folder of experiments/ that holds the functions.
        functions: The functions themselves; one that is None counts for nothing.
    """
    sources = Sources(project_roots())
    return {
        step: code_hash(
            f"steps.{step}:{step}",
            *(f"experiments.{name}.functions:{call}" for call in calls if getattr(functions, call) is not None),
            sources=sources,
        )
        for step, calls in CALLS.items()
    }


@pipeline(name="finetune", enable_cache=True)
def finetune(config: dict[str, Any], code: dict[str, str]) -> None:
    """Runs one experiment; takes its resolved config and the hash of the code that each step depends on."""
    settings = ExperimentConfig.model_validate(config)
    home = Home(settings.root, settings.experiment)
    production = settings.production
    taken = snapshot(production)
    manifest = reconcile(
        production=taken,
        home=home,
        folder=production.files,
        files_from_production=production.files_from_production,
        files_at_home=settings.files_at_home,
        settings=settings.reconcile,
        functions=settings.functions,
        code=code["reconcile"],
    )
    prepare_named = prepare.with_options(substitutions={"dataset_name": settings.prepare.dataset_name})
    dataset, preparation = prepare_named(
        manifest=manifest,
        home=home,
        files_at_home=settings.files_at_home,
        settings=settings.prepare,
        model=settings.model,
        functions=settings.functions,
        code=code["prepare"],
    )
    model, history = train(
        dataset=dataset,
        preparation=preparation,
        home=home,
        settings=settings.train,
        model=settings.model,
        functions=settings.functions,
        code=code["train"],
    )
    evaluate(
        model=model,
        dataset=dataset,
        preparation=preparation,
        history=history,
        manifest=manifest,
        home=home,
        settings=settings.evaluate,
        functions=settings.functions,
        code=code["evaluate"],
    )
