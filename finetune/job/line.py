"""JSON messages between the leader and one other host; that a host is gone shows as the end of its line."""

import json
import socket
import time
from collections.abc import Iterator
from typing import Any

_READ = 65_536


class Line:
    """One open line; reading never waits."""

    def __init__(self, connected: socket.socket) -> None:
        connected.setblocking(True)
        # A host that vanishes without closing is noticed after 90 s.
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in (("TCP_KEEPIDLE", 30), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 6)):
            if hasattr(socket, name):
                connected.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
        self._socket, self._rest, self.closed = connected, b"", False

    def send(self, **message: Any) -> None:
        """Sends one message; nothing happens if the other side is gone."""
        try:
            self._socket.sendall(json.dumps(message).encode() + b"\n")
        except OSError:
            self.closed = True

    def messages(self) -> Iterator[dict[str, Any]]:
        """The messages that have come since the last call; `closed` tells whether more can come."""
        while not self.closed:
            try:
                new = self._socket.recv(_READ, socket.MSG_DONTWAIT)
            except BlockingIOError:
                break
            except OSError:
                new = b""
            self.closed = not new
            self._rest += new
        *whole, self._rest = self._rest.split(b"\n")
        yield from map(json.loads, whole)

    def close(self) -> None:
        """Ends it."""
        self._socket.close()


def listen(host: str, port: int) -> socket.socket:
    """A socket on which other hosts may call; `accept` on it does not wait.

    Raises:
        OSError: The port is taken, or the name is not this host's.
    """
    listening = socket.create_server((host, port), backlog=128)
    listening.setblocking(False)
    return listening


def call(host: str, port: int, seconds: float) -> Line | None:
    """A line to a host, which may not listen yet; None if it does not within so many seconds."""
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        try:
            return Line(socket.create_connection((host, port), timeout=5.0))
        except OSError:
            time.sleep(0.2)
    return None
