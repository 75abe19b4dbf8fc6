"""Composes the pipeline for one run: its name, facts, cache and machines."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib import import_module
from typing import Any

from finetune.compute.deal import S3_KEY, dealt
from finetune.config.experiment import ExperimentConfig
from finetune.config.load import resolved
from finetune.experiment import Home
from finetune.functions import Functions
from finetune.invocations import encodings, invocations, preparations
from finetune.prepare.alike import Group, Reads
from finetune.prepare.alike import groups as alike
from finetune.runs import Run
from stacks.files import Stack

OPERATOR = "step_operator.finetune_sagemaker"


def compose(
    name: str,
    home: Home,
    record: Run,
    config: ExperimentConfig,
    groups: Sequence[Group],
    stack: Stack,
    *,
    cache: bool,
) -> Any:
    """The ZenML pipeline of a run, ready to be called with `arguments`.

    On a stack of this machine calling it runs it; on one with AWS it is submitted, and the call returns.
    """
    facts = {"run_number": record.run_number, "started": record.started}
    return pipeline_of(name, facts, config, groups, stack, cache=cache, reconciled=home.is_complete)


def pipeline_of(
    name: str,
    facts: dict[str, Any],
    config: ExperimentConfig,
    groups: Sequence[Group],
    stack: Stack,
    *,
    cache: bool,
    reconciled: bool,
) -> Any:
    """The ZenML pipeline of one run, or of all runs of a schedule.

    Args:
        name: The run's name in ZenML.
        facts: What is known of the run beside its config: run number and start, which a schedule does not know.
        config: The config as it runs on the stack.
        groups: The models that share a dataset.
        stack: The stack.
        cache: Whether steps may come from the cache.
        reconciled: Whether everything is at home, as the last reconcile left it; else reconcile is not cached.
    """
    from stacks.submission import execution_mode, pipeline_settings

    image = stack.values.image if stack.values else None
    known = {"experiment": config.experiment, "stack": stack.name, "config": resolved(config), "image": image}
    steps = machines(config, groups) if stack.components.step_operator else {}
    chosen = getattr(_module(config), config.pipeline)
    if "tune" in steps and "run_number" in facts:  # a schedule cannot begin a dynamic pipeline: its trials share one
        from pipelines.trials import finetune_trials

        chosen, steps = finetune_trials, templates(steps)
    if stack.values is None and config.shards is not None and (config.shards.parallel or 1) > 1:
        from pipelines.parallel import features_parallel, finetune_parallel

        chosen = features_parallel if config.pipeline == "features" else finetune_parallel
    if not reconciled and config.pipeline != "features":
        steps["reconcile"] = {**steps.get("reconcile", {}), "enable_cache": False}
    return chosen.with_options(
        run_name=name,
        enable_cache=cache,
        extra={**known, **facts},
        tags=[config.experiment],
        steps=steps,
        settings=pipeline_settings(stack),
        environment=config.storage.environment,
        execution_mode=execution_mode(stack),
    )


def templates(steps: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The same for a dynamic pipeline, which knows steps by plain names: all groups have one kind of machine."""
    plain = {"tune": "trial"} | {name: "encode_group" for name in steps if name.startswith("encode_group_")}
    return {plain.get(name, name): options for name, options in steps.items()}


def arguments(config: ExperimentConfig, functions: Functions, groups: Sequence[Group]) -> dict[str, Any]:
    """What the pipeline is called with."""
    from pipelines.finetune import code_of_steps

    code = code_of_steps(config.functions, functions, _module(config).CALLS)
    return {"config": resolved(config), "code": code, "groups": [asdict(group) for group in groups]}


def _module(config: ExperimentConfig) -> Any:
    """The pipeline's, with the functions that its steps call; the other pipelines need not be loaded."""
    return import_module(f"pipelines.{config.pipeline}")


def groups_of(config: ExperimentConfig, reads: Mapping[str, Reads]) -> list[Group]:
    """The models that share a dataset, by what encode_data read of their sections in the trial."""
    return alike({name: model.model_dump(mode="json") for name, (model, _) in config.all_models.items()}, reads)


def machines(config: ExperimentConfig, groups: Sequence[Group]) -> dict[str, dict[str, Any]]:
    """Options of the steps that `compute:` gives machines of their own, by their names in this run."""
    left_out = set() if config.steps.train else {"train", "evaluate"}
    if not config.steps.tune or config.tune.engine == "sagemaker":  # then they are those of the tuning job's own jobs
        left_out.add("tune")
    if config.pipeline == "features":
        left_out |= {"reconcile", "prepare", "train", "evaluate"}
    wanted = config.compute.model_dump(mode="json", exclude_none=True, exclude=left_out)
    own = wanted.pop("encode_groups")
    shared, shards = [group.models for group in groups], config.shards.steps if config.shards else 0
    named = {each: wanted[step] for step in wanted for each in invocations(step, config.all_models, shared, shards)}
    for prepared in preparations(shared):
        named |= zip(encodings(prepared, shards), own, strict=False)
        named |= {name: named[name] | _dealt(config) for name in encodings(prepared, shards) if name in named}
    return {name: {"step_operator": True, "settings": {OPERATOR: {"machines": entry}}} for name, entry in named.items()}


def _dealt(config: ExperimentConfig) -> dict[str, Any]:
    """What machines of a group have in common with its other instances, where SageMaker deals files out among them."""
    shards = config.shards
    if shards is None or shards.by != S3_KEY or shards.groups == 1:
        return {}
    home = Home(config.root, config.experiment)
    return dealt(shards.groups, config.production.files if config.pipeline == "features" else str(home.reconciled))
