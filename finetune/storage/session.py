"""The boto3 session by which this process asks AWS: of the usual chain, unless the command line names another."""

from collections.abc import Callable
from typing import Any

Make = Callable[[], Any]
"""Makes a boto3 session."""


def usual_session() -> Any:
    """A session of the usual AWS chain, as jobs have it: there it gives the execution role's credentials."""
    import boto3

    return boto3.session.Session()


_make: Make = usual_session


def use_session(make: Make) -> None:
    """From now on, clients of this process are made from such a session."""
    global _make
    _make = make


def session_maker() -> Make:
    """Makes this process's session."""
    return _make
