"""Asks ZenML's server, and again while it does not answer: a run on AWS goes on without it for a while."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from finetune.errors import RunError

T = TypeVar("T")
UNREACHABLE = "Error connecting to URL"
"""How ZenML's error begins where its server does not answer at the start."""
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


@contextmanager
def zenml_reached() -> Iterator[None]:
    """Around the first requests to ZenML's server.

    Raises:
        RunError: It does not answer, or does not know who asks.
    """
    from requests.exceptions import RequestException
    from zenml.exceptions import AuthorizationException, CredentialsNotValid

    try:
        yield
    except (AuthorizationException, CredentialsNotValid) as error:
        raise RunError(f"ZenML's server refuses your credentials ({error}); sign in again: zenml login URL") from error
    except (RequestException, RuntimeError) as error:
        if isinstance(error, RuntimeError) and not str(error).startswith(UNREACHABLE):
            raise
        raise RunError(
            f"ZenML's server does not answer ({error}); look whether it is up, or name another: zenml login URL"
        ) from error
