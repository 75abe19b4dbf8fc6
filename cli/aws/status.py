"""`run.py status RUN`: how far a run on AWS is, step by step, and why it failed, with the last lines of failed jobs.

Of a run that has ended and that nobody followed, it also writes the outcome into run.json.
"""

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import TYPE_CHECKING

from cli.main import Exit
from finetune.words import counted

if TYPE_CHECKING:
    from cli.aws.states import RunState, StepState
    from cli.aws.tails import Tails


def status(arguments: Sequence[str]) -> int:
    """Prints it; gives 0 for a run that is completed or running, 1 for a failed one, 130 for a stopped one."""
    from cli.aws.find import named_run, run_parser

    run, clients = named_run(run_parser("status", "How far a run on AWS is.").parse_args(arguments))
    from cli.aws.look import Look
    from cli.aws.tails import Tails
    from cli.record import record_end
    from finetune.runs import Status

    state = Look(run.id, clients).now()
    for line in chain(shown(state), last_lines(state, Tails(clients))):
        print(line)
    record_end(run.id, state)
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


def last_lines(state: "RunState", tails: "Tails") -> Iterator[str]:
    """What the jobs of failed steps printed last, from CloudWatch."""
    from cli.aws.states import FAILED
    from operators.jobs import LAST_LINES

    for step in state.steps:
        lines = tails.last(step, LAST_LINES) if step.status == FAILED else []
        if lines:
            yield f"last lines of {step.name}:"
            yield from (f"  {line}" for line in lines)


def _time_and_place(step: "StepState") -> str:
    seconds = "" if step.seconds is None else counted(round(step.seconds), "second")
    return "  ".join(filter(None, [seconds, step.where]))
