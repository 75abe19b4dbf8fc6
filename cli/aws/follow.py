"""Follows a submitted run to its end: its steps' states and jobs, their lines, and why it failed."""

import sys
import time
from collections.abc import Callable
from uuid import UUID

from cli.aws.look import Look
from cli.aws.served import served
from cli.aws.states import FAILED, WAITING, RunState
from cli.aws.tails import Tails
from finetune.errors import FinetuneError
from finetune.runs import Status
from operators.jobs import LAST_LINES, Clients

POLL_S = 3.0
TO_LOOK = "to look, and to stop it:\n"
NEEDS_US = "it runs on a rehearsal that ends with this command; with --keep it stays"
Say = Callable[[str], None]


def follow(run_id: UUID, say: Say, commands: str | None, *, ready: Callable[[], None] = lambda: None) -> Status:
    """Waits for a run of the active stack, and gives how it ended.

    RUNNING says that it goes on without this process: after Ctrl-C, or when AWS or ZenML's server did not answer for
    too long. The run itself needs neither this process nor this machine, unless its rehearsal ends with this process.

    Args:
        run_id: The run on ZenML's server.
        say: Takes a line.
        commands: What shows and stops the run; None if it is on a rehearsal that ends with this process.
        ready: Called as soon as Ctrl-C is answered here.
    """
    from zenml.client import Client

    from operators.clients import clients_of

    clients = clients_of(Client().active_stack)
    try:
        ready()
        say(NEEDS_US if commands is None else f"it runs on AWS and does not need this terminal; {TO_LOOK}{commands}")
        state = _to_the_end(Look(run_id, clients), Tails(clients), say)
    except KeyboardInterrupt:
        return _ended_with_us(say) if commands is None else _left(run_id, clients, say, commands)
    except FinetuneError as error:
        say(f"error: {error}")
        return _ended_with_us(say) if commands is None else _goes_on(say, commands)
    if state.status is Status.FAILED:
        _tell_failures(state, Tails(clients), say)
    served(lambda: _end_unfinished(run_id, state.status), say)
    return state.status


def _to_the_end(look: Look, tails: Tails, say: Say) -> RunState:
    seen: dict[str, str] = {}
    while True:
        state = served(look.now, say)
        for step in state.steps:
            told = f"{step.name}: {step.status}{', ' + step.where if step.where else ''}"
            if step.status != WAITING and seen.get(step.name) != told:
                say(told)
            seen[step.name] = told
        for name, line in tails.new(state):
            say(f"[{name}] {line}")
        if state.status is not Status.RUNNING and not state.runs and tails.drained(state):
            return state
        time.sleep(POLL_S)


def _tell_failures(state: RunState, tails: Tails, say: Say) -> None:
    """Says of each failed step what AWS says and what its job printed last."""
    if state.reason:
        say(f"{state.name} failed: {state.reason}")
    for step in state.steps:
        if step.status == FAILED:
            say(f"{step.name} failed: {step.reason or 'see its last lines'} ({step.where or 'it has no job'})")
            for line in tails.last(step, LAST_LINES):
                say(f"[{step.name}] {line}")


def _end_unfinished(run_id: UUID, status: Status) -> None:
    """A job that was killed has told ZenML's server nothing, and the run would be running there for ever."""
    from zenml.enums import ExecutionStatus

    from cli.aws.mark import mark_ended

    mark_ended(run_id, ExecutionStatus(status.value))


def _left(run_id: UUID, clients: Clients, say: Say, commands: str) -> Status:
    """After Ctrl-C: on a terminal the user decides, else the run goes on."""
    from cli.aws.stop import stop_pipeline_run

    if not (sys.stdin.isatty() and _wants_stop()):
        return _goes_on(say, commands)
    try:
        stopped = stop_pipeline_run(run_id, clients, say)
    except (FinetuneError, OSError, KeyboardInterrupt) as error:
        say(f"error: stopping it was broken off: {str(error) or 'Ctrl-C'}")
        return _goes_on(say, commands)
    say(f"stopped: {', '.join(stopped) or 'nothing of it ran any more'}")
    return Status.STOPPED


def _goes_on(say: Say, commands: str) -> Status:
    say(f"the run goes on; {TO_LOOK}{commands}")
    return Status.RUNNING


def _ended_with_us(say: Say) -> Status:
    say("stopped: the rehearsal ends with this command, and its jobs with it; with --keep they go on")
    return Status.STOPPED


def _wants_stop() -> bool:
    """Asks; a second Ctrl-C, or no answer, leaves the run running."""
    try:
        return input("\nstop the run on AWS? [y/N] ").strip().lower() in ("y", "yes")
    except (EOFError, KeyboardInterrupt):
        return False
