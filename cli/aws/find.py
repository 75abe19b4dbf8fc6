"""Finds a run from any machine that reaches ZenML's server and AWS: `EXPERIMENT/N`, or its name there."""

import argparse
import os
import re
from typing import TYPE_CHECKING, Any

from finetune.errors import ConfigError, RunError
from finetune.facts import facts_of

if TYPE_CHECKING:
    from zenml.models import PipelineRunResponse

    from operators.jobs import Clients

RUN_HELP = "EXPERIMENT/N, such as EXP-3333-license-mentions/7; also the run's name in ZenML"
STACK_HELP = "the stack that the run is on (default: sagemaker)"
HERE = "--stack {}: its runs are on this machine, see `python run.py runs EXPERIMENT`; name a stack of AWS"


def run_parser(command: str, description: str) -> argparse.ArgumentParser:
    """The parser of a command on one run."""
    result = argparse.ArgumentParser(prog=f"python run.py {command}", description=description)
    result.add_argument("run", metavar="RUN", help=RUN_HELP)
    result.add_argument("--stack", metavar="NAME", default="sagemaker", help=STACK_HELP)
    return result


def named_run(options: argparse.Namespace) -> "tuple[PipelineRunResponse, Clients]":
    """The run that the arguments name, and the clients of its stack, which is the active one from here on.

    Raises:
        ConfigError: As `use_stack`.
        RunError: There is no such run, or ZenML's server does not answer.
    """
    from cli.environment import quiet_defaults

    quiet_defaults()
    try:
        use_stack(options.stack)
    except ConfigError as error:
        raise ConfigError(
            f"runs on this machine are told by `python run.py runs EXPERIMENT`; to look at one on AWS:\n{error}"
        ) from None
    from zenml.client import Client

    from operators.clients import clients_of

    return find_run(options.run), clients_of(Client().active_stack)


def use_stack(name: str) -> None:
    """Makes a stack of AWS the active one: as ZenML's server knows it, else as its file says.

    Who only looks need not have the file's values, and changes nothing for those who run on the stack.

    Raises:
        ConfigError: It runs on this machine; or the server does not know it, and its file is missing or wrong.
        RunError: ZenML's server does not answer, or no rehearsal is up.
    """
    from cli.activate import use_known

    if _runs_here(name):
        raise ConfigError(HERE.format(name))
    reach(name)
    if not use_known(name):
        apply_stack(name)


def apply_stack(name: str) -> None:
    """Makes a stack of AWS the active one, brought up to date with its file.

    Raises:
        ConfigError: There is no such stack, its file is wrong, or it runs on this machine.
        RunError: ZenML's server does not answer, or no rehearsal is up.
    """
    from cli.activate import register, sign_in
    from stacks.files import load_stack

    described = load_stack(name)
    if described.values is None:
        raise ConfigError(HERE.format(name))
    reach(name)
    sign_in(described)
    register(described)


def _runs_here(name: str) -> bool:
    """Whether its file can be read and says so: that is known without ZenML."""
    from stacks.files import load_stack

    try:
        return load_stack(name).values is None
    except ConfigError:
        return False


def reach(name: str) -> None:
    """Points this process at the rehearsal that is up, where it is asked for.

    Raises:
        RunError: None is up.
    """
    from cli.reach import REHEARSAL

    if name == REHEARSAL and "AWS_ENDPOINT_URL" not in os.environ:
        _use_rehearsal()


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
    if numbered:
        found = attempts(numbered[1], int(numbered[2]), stack_id=stack.id)
    else:
        found = Client().list_pipeline_runs(name=f"equals:{reference}", stack_id=stack.id, hydrate=True).items
    if not found:
        raise RunError(f"{reference}: stack {stack.name} has no such run; its newest: {_newest() or 'none'}")
    return found[0]


def attempts(experiment: str, number: int, **asked: Any) -> "list[PipelineRunResponse]":
    """The attempts at a run, newest first; the run's name tells its number, or, if a schedule began it, its metadata.

    Args:
        experiment: Its tag tells EXP-3 from an experiment whose name ends in a number, as names are only joined.
        number: The run number.
        asked: What else ZenML's server is to look for.
    """
    from zenml.client import Client

    asked |= {"tags": [experiment], "sort_by": "desc:created", "hydrate": True}
    named = Client().list_pipeline_runs(name=f"startswith:{experiment}-{number}-", **asked).items
    claimed = Client().list_pipeline_runs(run_metadata=f"run_number:{number}", **asked).items
    return sorted([*named, *claimed], key=lambda run: run.created, reverse=True)


def known_of(run: "PipelineRunResponse") -> dict[str, Any]:
    """The facts of a run, as finetune/facts.py says."""
    return facts_of(run.config.extra, run.run_metadata)


def reference_to(run: "PipelineRunResponse") -> str:
    """How the commands name this run."""
    known = known_of(run)
    return f"{known['experiment']}/{known['run_number']}" if {"experiment", "run_number"} <= known.keys() else run.name


def how_to_look(reference: str, stack: str) -> str:
    """The commands that show and stop a run."""
    return "\n".join(f"  python run.py {command} {reference} --stack {stack}" for command in ("status", "stop"))


def _newest() -> str:
    from zenml.client import Client

    runs = Client().list_pipeline_runs(
        stack_id=Client().active_stack_model.id, sort_by="desc:created", size=5, hydrate=True
    )
    return ", ".join(dict.fromkeys(reference_to(run) for run in runs.items))
