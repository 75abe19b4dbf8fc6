"""What becomes of an evaluated model: the gate, and, if it passes, the registries."""

from collections.abc import Mapping, Sequence
from typing import Any

from finetune.config.experiment import ExperimentConfig
from finetune.experiment import Home
from steps.gate import gate
from steps.register import register

Evaluated = tuple[Any, Any, Any]
"""The artifacts of a model's metrics, predictions and report."""


def gate_and_register(
    evaluated: Sequence[Evaluated],
    page: Any,
    compared: Any,
    home: Home,
    settings: ExperimentConfig,
    code: Mapping[str, str],
) -> Any:
    """Judges and registers the model, of several the best one; gives what register gives.

    Args:
        evaluated: Of each model, in the config's order.
        page: The artifact of the report that the user opens.
        compared: The artifact of the comparison, where there are several.
        home: The experiment home.
        settings: The experiment's config.
        code: The hash of the code that each step depends on.
    """
    models = list(settings.all_models)
    metrics, predictions = [each[0] for each in evaluated], [each[1] for each in evaluated]
    rules = settings.register.gate
    # which version is in production no cache key knows
    asked = gate.with_options(enable_cache=False) if rules.not_worse_than_approved else gate
    verdict, _ = asked(
        metrics=metrics,
        predictions=predictions,
        page=page,
        models=models,
        home=home,
        settings=rules,
        files_at_home=settings.files_at_home,
        functions=settings.functions,
        code=code["gate"],
        comparison=compared,
    )
    return register(
        gate=verdict,
        metrics=metrics,
        predictions=predictions,
        models=models,
        home=home,
        files_from_production=settings.production.files_from_production,
        files_at_home=settings.files_at_home,
        tracking=settings.tracking,
        comparison=compared,
    )
