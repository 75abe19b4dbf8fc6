"""Asks whether a database server answers at all, before its driver waits for minutes."""

import socket

from sqlalchemy.engine import URL

from finetune.errors import UnreachableError

PORTS = {"postgresql": 5432, "mysql": 3306, "mariadb": 3306}
WAIT_S = 10.0


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
