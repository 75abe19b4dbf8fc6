"""`run.py logs RUN`: a step's lines from CloudWatch."""

import argparse
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from finetune.errors import RunError

if TYPE_CHECKING:
    from cli.aws.states import RunState, StepState

POLL_S = 3.0


def parser() -> argparse.ArgumentParser:
    """The parser of the command."""
    from cli.aws.find import run_parser

    result = run_parser("logs", "A step's lines from CloudWatch.")
    result.add_argument("--step", metavar="NAME", help="default: the step that works now, else the last one")
    result.add_argument("--follow", action="store_true", help="go on until the step ends; Ctrl-C ends only this")
    return result


def logs(arguments: Sequence[str]) -> int:
    """Prints them; gives the exit code."""
    options = parser().parse_args(arguments)
    from cli.aws.find import named_run

    run, clients = named_run(options)
    from cli.aws.look import Look
    from cli.aws.tails import Tails

    look, tails = Look(run.id, clients), Tails(clients)
    name = options.step or chosen(look.now(), None).name
    while True:
        state = look.now()
        alone = replace(state, steps=[chosen(state, name)])
        for _, line in tails.new(alone):
            print(line, flush=True)
        if not options.follow or (alone.steps[0].has_ended and tails.drained(alone)):
            return 0
        time.sleep(POLL_S)


def chosen(state: "RunState", name: str | None) -> "StepState":
    """The step of that name; without one, the step that works now, else the last one that did.

    Raises:
        RunError: There is no such step, or none has begun.
    """
    step = next((step for step in state.steps if step.name == name), None) if name else state.current
    if step is None and name:
        raise RunError(f"--step {name}: {state.name} has the steps {', '.join(step.name for step in state.steps)}")
    if step is None:
        raise RunError(f"{state.name}: no step of it has a job yet, so there is no log; it is {state.status}")
    return step
