"""Reaches a stack: a rehearsal is brought up where none is, and ended after the run unless it is to be kept."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from finetune.errors import RunError
from finetune.progress import say

REHEARSAL = "rehearsal"
FOLDER = Path("outputs", "rehearsal")


@contextmanager
def reached(stack: str, *, keep: bool) -> Iterator[bool]:
    """Makes the stack reachable while in use, and says whether it goes on afterwards; a rehearsal may not.

    Raises:
        RunError: A rehearsal cannot run here; the message says why.
    """
    if stack != REHEARSAL:
        yield True
        return
    from rehearsal.environment import client_environment
    from rehearsal.errors import RehearsalError
    from rehearsal.running import running
    from rehearsal.zenml.account import LOGIN

    try:
        with running(FOLDER, keep=keep) as up:
            os.environ.update(client_environment(up.state, up.region))
            say(f"rehearsal: SageMaker and ZenML on this machine; dashboard {up.state.zenml_url} ({LOGIN})")
            yield up.lasts
            if keep:
                say(f"the rehearsal is kept; look: {up.state.zenml_url}, end it: python -m rehearsal down")
    except RehearsalError as error:
        raise RunError(str(error)) from error
