"""Composes the pipeline of a config for a schedule: each time that it starts, it is a run of its own."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from cli.check import try_on_production
from cli.compose import arguments, compose
from cli.sample import bring_sample
from finetune.config.load import load_config, resolved
from finetune.experiment import Home
from finetune.functions import check_functions
from finetune.runs import Run, Status
from finetune.versions import versions
from stacks.files import load_stack
from stacks.place import place

NO_NUMBER = 0
"""A run number is claimed when a run begins, which is not now."""


@dataclass(frozen=True)
class Scheduled:
    """A pipeline that waits to be scheduled, and what it is called with."""

    experiment: str
    pipeline: Any
    arguments: dict[str, Any]


def scheduled(config_file: str, overrides: Sequence[str], stack_name: str) -> Scheduled:
    """The pipeline, after the same checks as for a run.

    Raises:
        FinetuneError: Something is wrong with config, functions, stack or production.
    """
    config = load_config(config_file, overrides)
    check_functions(config.functions)
    stack = load_stack(stack_name)
    placed = place(config, root=stack.root, production=stack.production)
    bring_sample(config, placed)
    functions, _ = try_on_production(placed)
    record = Run(
        experiment=placed.experiment,
        run_number=NO_NUMBER,
        status=Status.RUNNING,
        stack=stack_name,
        started=datetime.now(UTC).isoformat(timespec="seconds"),
        versions=versions(),
        config=resolved(placed),
    )
    name = f"{placed.experiment}-scheduled-{{date}}-{{time}}"
    pipeline = compose(name, Home(placed.root, placed.experiment), record, placed, stack, cache=True)
    return Scheduled(placed.experiment, pipeline, arguments(record, placed, functions))
