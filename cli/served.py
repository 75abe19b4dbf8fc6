"""Asks ZenML's server, and again while it does not answer: a run on AWS goes on without it for a while."""

import time
from collections.abc import Callable
from typing import TypeVar

from finetune.errors import RunError

T = TypeVar("T")
PATIENCE_S, PAUSE_S = 900.0, 3.0


def served(call: Callable[[], T], say: Callable[[str], None], *, patience_s: float = PATIENCE_S) -> T:
    """What the call gives, once the server answers.

    ZenML's client has tried for half a minute and more by itself before its error comes here.

    Raises:
        RunError: The server has not answered for `patience_s` seconds.
    """
    from requests.exceptions import RequestException

    began, away = time.monotonic(), False
    while True:
        try:
            found = call()
        except RequestException as error:
            if time.monotonic() - began > patience_s:
                raise RunError(f"ZenML's server has not answered for {patience_s:.0f} s: {error}") from error
            if not away:
                say("ZenML's server does not answer; waiting for it")
            away = True
            time.sleep(PAUSE_S)
        else:
            if away:
                say("ZenML's server answers again")
            return found
