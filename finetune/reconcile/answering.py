"""Connects to a database server: asks whether it answers at all, and tries again what fails for a moment."""

import random
import socket
import time
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError

from finetune.errors import UnreachableError
from finetune.progress import say

PORTS = {"postgresql": 5432, "mysql": 3306, "mariadb": 3306}
WAIT_S = 10.0
DELAYS_S = (0.25, 0.5, 1.0)
"""Longest waits before the second, third and fourth attempt."""
_PASSING = (
    "starting up",
    "shutting down",
    "recovery mode",
    "too many connections",
    "too many clients",
    "connection slots",
    "closed the connection",
    "connection reset",
    "lost connection",
)

T = TypeVar("T")


def check_answers(address: URL, shown: str) -> None:
    """Opens and closes a connection, where the URL says to which host and port.

    Raises:
        UnreachableError: Nothing answers there within 10 s.
    """
    port = address.port or PORTS.get(address.get_backend_name())
    if not address.host or port is None or "," in address.host:
        return
    try:
        socket.create_connection((address.host, port), timeout=WAIT_S).close()
    except (OSError, UnicodeError) as error:
        raise UnreachableError(
            f"production.labels.url: no database answers at {shown} from here ({error}); check host and port, and that "
            f"this machine, or the subnets and security groups of the stack file, lead to it"
        ) from error


def patiently(connect: Callable[[], T]) -> T:
    """Connects; while the server restarts or has no place free, a few times. A refused password is tried once."""
    for wait in DELAYS_S:
        try:
            return connect()
        except (DBAPIError, UnreachableError) as error:
            if not passes(error):
                raise
            say("the database of the labels takes no connection now; trying again")
            time.sleep(wait * random.uniform(0.5, 1.0))
    return connect()


def passes(error: DBAPIError | UnreachableError) -> bool:
    """Whether the same connection may come about a moment later: pure."""
    if isinstance(error, UnreachableError):
        return isinstance(error.__cause__, ConnectionRefusedError | ConnectionResetError)
    said = str(error.orig).lower()
    return any(words in said for words in _PASSING)
