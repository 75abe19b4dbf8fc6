"""The pipeline `finetune` in two steps: the project's first one, and one in place of all others."""

from typing import Any

from steps.judge import judge
from zenml import pipeline

from finetune.config.experiment import ExperimentConfig
from finetune.experiment import Home
from finetune.functions import Functions
from steps.snapshot import snapshot


@pipeline(name="finetune", enable_cache=True)
def finetune(config: dict[str, Any], code: dict[str, str], groups: list[dict[str, Any]]) -> None:
    """As the project's."""
    settings = ExperimentConfig.model_validate(config)
    taken, _ = snapshot(settings.production, Home(settings.root, settings.experiment))
    judge(taken)


CALLS: dict[str, tuple[str, ...]] = {}


def code_of_steps(name: str, functions: Functions, calls: dict[str, tuple[str, ...]]) -> dict[str, str]:
    """As the project's; no step of this pipeline calls a function."""
    return {}
