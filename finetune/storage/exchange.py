"""HTTP with little processor time: requests without a body on a connection that stays, answers read whole.

http.client takes three times as long: it looks at the socket before each read, and parses headers as mail.
"""

import os
import select
import socket
import ssl
import struct
from collections.abc import Iterator, Mapping
from functools import cache
from typing import NamedTuple
from urllib.parse import SplitResult

from botocore.httpsession import where

CONNECT_S, ANSWER_S = 10, 60
LONGEST = 65_536
"""Bytes of an answer's headers, or of a line of its body."""
_READ, _LINE, _IN_BODY = 65_536, b"\r\n", "in its body"


class Answer(NamedTuple):
    """What a server answered."""

    status: int
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes


class Exchange:
    """A connection to an endpoint, made when it is first needed; for one thread at a time."""

    def __init__(self, endpoint: SplitResult) -> None:
        self._endpoint = endpoint
        self._socket: socket.socket | None = None
        self._rest = b""
        """What has come and is not read yet."""

    def ask(self, method: str, path: str, headers: Mapping[str, str]) -> Answer:
        """Sends a request and reads its answer; a connection that was closed while it waited is made anew.

        Raises:
            OSError: The server cannot be reached, does not answer in time, or breaks off.
            ValueError: What it answers is no HTTP.
        """
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        request = f"{method} {path} HTTP/1.1\r\n{lines}content-length: 0\r\n\r\n".encode()
        try:
            if self._socket is not None and (self._rest or _has_ended(self._socket)):
                self.close()
            waited = self._socket is not None
            head = self._send(request)
            if waited and not head:  # it ended while the request was on its way
                self.close()
                head = self._send(request)
            answer = self._read(head)
        except (OSError, ValueError):
            self.close()
            raise
        if answer.headers.get("connection", "").lower() == "close":
            self.close()
        return answer

    def close(self) -> None:
        """Ends the connection; the next request makes another."""
        if self._socket is not None:
            self._socket.close()
        self._socket, self._rest = None, b""

    def _send(self, request: bytes) -> bytes:
        """Gives the head of the answer; none where the connection ended, or was reset, before the answer began."""
        if self._socket is None:
            self._socket = _connected(self._endpoint)
        try:
            self._socket.sendall(request)
            began = self._more()
        except (ConnectionResetError, BrokenPipeError, ssl.SSLEOFError):
            began = False
        return self._until(b"\r\n\r\n", "in its headers") if began else b""

    def _read(self, head: bytes) -> Answer:
        if not head:
            raise ConnectionResetError("no answer: the server closed the connection")
        first, *lines = head.decode("latin-1").split("\r\n")
        status = int(first.split(maxsplit=2)[1]) if first.startswith("HTTP/") else 0
        if not status:
            raise ConnectionAbortedError(f"the answer begins with {first!r:.100}")
        headers = {}
        for line in lines:
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        return Answer(status, headers, self._body(headers))

    def _body(self, headers: Mapping[str, str]) -> bytes:
        if headers.get("transfer-encoding", "").lower() == "chunked":
            return b"".join(self._chunks())
        if "content-length" in headers:
            return self._exactly(int(headers["content-length"]))
        while self._more():
            pass
        body = self._rest
        self.close()
        return body

    def _chunks(self) -> Iterator[bytes]:
        while size := int(self._until(_LINE, _IN_BODY).partition(b";")[0], 16):
            yield self._exactly(size)
            self._until(_LINE, _IN_BODY)
        while self._until(_LINE, _IN_BODY):
            pass  # trailers

    def _exactly(self, size: int) -> bytes:
        while len(self._rest) < size:
            if not self._more():
                raise ConnectionAbortedError(f"the answer broke off after {len(self._rest):,} of {size:,} bytes")
        body, self._rest = self._rest[:size], self._rest[size:]
        return body

    def _until(self, end: bytes, where: str) -> bytes:
        """What comes before this end."""
        while (at := self._rest.find(end)) < 0:
            if len(self._rest) > LONGEST or not self._more():
                raise ConnectionAbortedError(f"the answer broke off {where}: it holds {self._rest!r:.100}")
        found, self._rest = self._rest[:at], self._rest[at + len(end) :]
        return found

    def _more(self) -> bool:
        """Waits for more; gives whether more came, which it does not where the connection ended."""
        if self._socket is None:
            return False
        try:
            more = self._socket.recv(_READ)
        except (BlockingIOError, ssl.SSLWantReadError) as error:
            raise TimeoutError(f"no answer within {ANSWER_S} s") from error
        self._rest += more
        return bool(more)


def _has_ended(waiting: socket.socket) -> bool:
    """Whether something came on a connection on which nothing was asked: that is its end."""
    look = select.poll()
    look.register(waiting, select.POLLIN)
    return bool(look.poll(0))


def _connected(endpoint: SplitResult) -> socket.socket:
    """A socket with the kernel's time limit: Python's own would ask the kernel before each read."""
    is_secret = endpoint.scheme == "https"
    made = socket.create_connection((endpoint.hostname or "", endpoint.port or (443 if is_secret else 80)), CONNECT_S)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if is_secret:
        made = _tls().wrap_socket(made, server_hostname=endpoint.hostname)
    made.settimeout(None)
    for limit in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
        made.setsockopt(socket.SOL_SOCKET, limit, struct.pack("ll", ANSWER_S, 0))
    return made


@cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context(cafile=os.environ.get("AWS_CA_BUNDLE") or where())
