"""Composes the pipeline for one run: its name, facts, cache and machines."""

from typing import Any

from finetune.config.experiment import ExperimentConfig
from finetune.config.load import resolved
from finetune.experiment import Home
from finetune.functions import Functions
from finetune.runs import Run
from stacks.files import Stack

OPERATOR = "step_operator.finetune_sagemaker"


def compose(name: str, home: Home, record: Run, config: ExperimentConfig, stack: Stack, *, cache: bool) -> Any:
    """The ZenML pipeline of a run, ready to be called with `arguments`.

    On a stack of this machine calling it runs it; on one with AWS it is submitted, and the call returns.
    """
    facts = {"run_number": record.run_number, "started": record.started}
    return pipeline_of(name, facts, config, stack, cache=cache, reconciled=home.is_complete)


def pipeline_of(
    name: str, facts: dict[str, Any], config: ExperimentConfig, stack: Stack, *, cache: bool, reconciled: bool
) -> Any:
    """The ZenML pipeline of one run, or of all runs of a schedule.

    Args:
        name: The run's name in ZenML.
        facts: What is known of the run beside its config: run number and start, which a schedule does not know.
        config: The config as it runs on the stack.
        stack: The stack.
        cache: Whether steps may come from the cache.
        reconciled: Whether everything is at home, as the last reconcile left it; else reconcile is not cached.
    """
    from pipelines.finetune import finetune
    from stacks.submission import execution_mode, pipeline_settings

    image = stack.values.image if stack.values else None
    known = {"experiment": config.experiment, "stack": stack.name, "config": resolved(config), "image": image}
    steps = machines(config) if stack.components.step_operator else {}
    if not reconciled:
        steps["reconcile"] = {**steps.get("reconcile", {}), "enable_cache": False}
    return finetune.with_options(
        run_name=name,
        enable_cache=cache,
        extra={**known, **facts},
        tags=[config.experiment],
        steps=steps,
        settings=pipeline_settings(stack),
        execution_mode=execution_mode(stack),
    )


def arguments(config: ExperimentConfig, functions: Functions) -> dict[str, Any]:
    """What the pipeline is called with."""
    from pipelines.finetune import code_of_steps

    return {"config": resolved(config), "code": code_of_steps(config.functions, functions)}


def machines(config: ExperimentConfig) -> dict[str, dict[str, Any]]:
    """Options of the steps that `compute:` gives machines of their own."""
    wanted = config.compute.model_dump(mode="json", exclude_none=True)
    return {
        step: {"step_operator": True, "settings": {OPERATOR: {"machines": entry}}} for step, entry in wanted.items()
    }
