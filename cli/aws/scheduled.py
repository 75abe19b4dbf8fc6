"""Composes the pipeline of a config for a schedule: each time that it starts, it is a run of its own."""

import os
from typing import Any

from cli.activate import by_digest
from cli.check import try_on_production
from cli.compose import arguments, groups_of, pipeline_of
from cli.sample import bring_sample
from finetune.config.experiment import ExperimentConfig
from stacks.engine import check_engine
from stacks.files import load_stack
from stacks.place import place
from stacks.secrets import check_references


def scheduled(config: ExperimentConfig, stack_name: str) -> tuple[Any, dict[str, Any]]:
    """The pipeline and what it is called with, after the same trial on production as for a run.

    Its facts hold no run number and no start: the first step of each run claims them. Nothing is known of the home
    at the time of such a run, so reconcile is never cached.

    Raises:
        FinetuneError: Something is wrong with functions, stack or production.
    """
    stack = load_stack(stack_name)
    placed = place(config, root=stack.root, production=stack.production)
    os.environ.update(placed.storage.environment)
    check_references(placed, stack.values)
    check_engine(config, stack)
    bring_sample(config, placed)
    functions, tried = try_on_production(placed, stack.values)
    name = f"{placed.experiment}-scheduled-{{date}}-{{time}}"
    groups = groups_of(placed, tried.reads)
    pipeline = pipeline_of(name, {}, placed, groups, by_digest(stack), cache=True, reconciled=False)
    return pipeline, arguments(placed, functions, groups)
