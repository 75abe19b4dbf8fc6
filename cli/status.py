"""`run.py status RUN`: how far a run on AWS is, step by step, with the job, machines and time of each."""

import argparse
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from cli.main import Exit
from finetune.words import counted

if TYPE_CHECKING:
    from cli.states import RunState, StepState


def status(arguments: Sequence[str]) -> int:
    """Prints it; gives 0 for a run that is completed or running, 1 for a failed one, 130 for a stopped one."""
    from cli.find import RUN_HELP, STACK_HELP

    parser = argparse.ArgumentParser(prog="python run.py status", description="How far a run on AWS is.")
    parser.add_argument("run", metavar="RUN", help=RUN_HELP)
    parser.add_argument("--stack", metavar="NAME", default="sagemaker", help=STACK_HELP)
    options = parser.parse_args(arguments)
    from cli.environment import quiet_defaults

    quiet_defaults()
    from cli.find import find_run, use_stack
    from cli.look import Look
    from finetune.runs import Status

    use_stack(options.stack)
    from zenml.client import Client

    from operators.clients import clients_of

    run = find_run(options.run)
    state = Look(run.id, clients_of(Client().active_stack)).now()
    for line in shown(state):
        print(line)
    return {Status.FAILED: Exit.FAILED, Status.STOPPED: Exit.STOPPED}.get(state.status, Exit.DONE)


def shown(state: "RunState") -> Iterator[str]:
    """The lines that tell of a run."""
    over = state.status.value != "running" and state.runs
    yield f"{state.name}: {state.status}{', and jobs of it still run' if over else ''}"
    if state.reason:
        yield f"  {state.reason}"
    width = max((len(step.name) for step in state.steps), default=0)
    for step in state.steps:
        yield f"  {step.name:<{width}}  {step.status:<9}  {_time_and_place(step)}".rstrip()
        if step.reason:
            yield f"  {'':<{width}}  {step.reason}"


def _time_and_place(step: "StepState") -> str:
    seconds = "" if step.seconds is None else counted(round(step.seconds), "second")
    return "  ".join(filter(None, [seconds, step.where]))
