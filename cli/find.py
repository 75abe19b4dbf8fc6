"""Finds a run from any machine that reaches ZenML's server and AWS: `EXPERIMENT/N`, or its name there."""

import os
import re
from typing import TYPE_CHECKING

from finetune.errors import ConfigError, RunError

if TYPE_CHECKING:
    from zenml.models import PipelineRunResponse

RUN_HELP = "EXPERIMENT/N, such as EXP-3333-license-mentions/7; also the run's name in ZenML"
STACK_HELP = "the stack that the run is on (default: sagemaker)"


def use_stack(name: str) -> None:
    """Makes a stack of AWS the active one.

    Raises:
        ConfigError: There is no such stack, its file is wrong, or it runs on this machine.
    """
    from cli.reach import REHEARSAL
    from stacks.files import load_stack

    if load_stack(name).values is None:
        raise ConfigError(f"--stack {name}: its runs are on this machine and end with run.py; name a stack of AWS")
    if name == REHEARSAL and "AWS_ENDPOINT_URL" not in os.environ:
        _use_rehearsal()
    from cli.served import zenml_reached
    from stacks.apply import apply

    with zenml_reached():
        os.environ["ZENML_ACTIVE_STACK_ID"] = str(apply(name))


def _use_rehearsal() -> None:
    from cli.reach import FOLDER
    from rehearsal.environment import client_environment
    from rehearsal.running import find
    from rehearsal.settings import Settings

    state = find(FOLDER)
    if state is None:
        raise RunError("--stack rehearsal: none is up, and its runs ended with it; keep one by run.py --keep")
    os.environ.update(client_environment(state, Settings.load(FOLDER / "settings.json").region))


def find_run(reference: str) -> "PipelineRunResponse":
    """The newest attempt at a run of the active stack.

    Raises:
        RunError: There is none.
    """
    from zenml.client import Client

    stack = Client().active_stack_model
    numbered = re.fullmatch(r"(.+)/([1-9]\d*)", reference)
    name = f"startswith:{numbered[1]}-{numbered[2]}-" if numbered else f"equals:{reference}"
    # The tag tells EXP-3 from an experiment whose name ends in a number, as names are only joined.
    tags = [numbered[1]] if numbered else None
    found = Client().list_pipeline_runs(
        name=name, tags=tags, stack_id=stack.id, sort_by="desc:created", size=1, hydrate=True
    )
    if not found.items:
        raise RunError(f"{reference}: stack {stack.name} has no such run; its newest: {_newest() or 'none'}")
    return found.items[0]


def reference_to(run: "PipelineRunResponse") -> str:
    """How the commands name this run."""
    extra = run.config.extra
    return f"{extra['experiment']}/{extra['run_number']}" if {"experiment", "run_number"} <= extra.keys() else run.name


def how_to_look(reference: str, stack: str) -> str:
    """The commands that show and stop a run."""
    return "\n".join(f"  python run.py {command} {reference} --stack {stack}" for command in ("status", "stop"))


def _newest() -> str:
    from zenml.client import Client

    runs = Client().list_pipeline_runs(
        stack_id=Client().active_stack_model.id, sort_by="desc:created", size=5, hydrate=True
    )
    return ", ".join(dict.fromkeys(reference_to(run) for run in runs.items))
