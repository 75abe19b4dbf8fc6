"""HTTP with little processor time: requests without a body on a connection that stays, answers read whole.

http.client takes three times as long: it looks at the socket before each read, and parses headers as mail.
"""

import os
import select
import socket
import ssl
import struct
from collections.abc import Mapping
from functools import cache
from io import BufferedReader
from typing import NamedTuple
from urllib.parse import SplitResult

from botocore.httpsession import where

CONNECT_S, ANSWER_S = 10, 60
LONGEST_LINE = 16_384


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
        self._poll: select.poll | None = None
        self._answers: BufferedReader | None = None

    def ask(self, method: str, path: str, headers: Mapping[str, str]) -> Answer:
        """Sends a request and reads its answer; a connection that was closed while it waited is made anew.

        Raises:
            OSError: The server cannot be reached, does not answer in time, or breaks off.
            ValueError: What it answers is no HTTP.
        """
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        request = f"{method} {path} HTTP/1.1\r\n{lines}content-length: 0\r\n\r\n".encode()
        if self._poll is not None and self._poll.poll(0):
            self.close()  # nothing was asked, so this is the end of a connection that waited
        waited = self._socket is not None
        try:
            first = self._send(request)
            if waited and not first:  # it ended while the request was on its way
                self.close()
                first = self._send(request)
            answer = self._read(first)
        except (OSError, ValueError):
            self.close()
            raise
        if answer.headers.get("connection", "").lower() == "close":
            self.close()
        return answer

    def close(self) -> None:
        """Ends the connection; the next request makes another."""
        if self._answers is not None:
            self._answers.close()
        if self._socket is not None:
            self._socket.close()
        self._socket = self._answers = self._poll = None

    def _send(self, request: bytes) -> bytes:
        """Gives the first line of the answer; none where the connection ended."""
        if self._socket is None:
            self._socket = _connected(self._endpoint)
            self._answers = self._socket.makefile("rb")
            self._poll = select.poll()
            self._poll.register(self._socket, select.POLLIN)
        self._socket.sendall(request)
        return self._line()

    def _read(self, first: bytes) -> Answer:
        if not first:
            raise ConnectionResetError(f"no answer: the server closed the connection, or took over {ANSWER_S} s")
        status = int(first.split(maxsplit=2)[1]) if first.startswith(b"HTTP/") and first.endswith(b"\n") else 0
        if not status:
            raise ConnectionAbortedError(f"the answer begins with {first!r:.100}")
        headers = {}
        while (line := self._line()).strip():
            name, _, value = line.decode("latin-1").partition(":")
            headers[name.lower()] = value.strip()
        if not line:
            raise ConnectionAbortedError("the answer broke off in its headers")
        return Answer(status, headers, self._body(headers))

    def _body(self, headers: Mapping[str, str]) -> bytes:
        if headers.get("transfer-encoding", "").lower() == "chunked":
            parts = []
            while size := int(self._line().partition(b";")[0], 16):
                parts.append(self._exactly(size))
                self._line()
            while self._line().strip():
                pass  # trailers
            return b"".join(parts)
        if "content-length" in headers:
            return self._exactly(int(headers["content-length"]))
        body = self._file.read()
        self.close()
        return body

    def _exactly(self, size: int) -> bytes:
        body = self._file.read(size) or b""  # None after the time limit
        if len(body) < size:
            raise ConnectionAbortedError(f"the answer broke off after {len(body):,} of {size:,} bytes")
        return body

    def _line(self) -> bytes:
        return self._file.readline(LONGEST_LINE)

    @property
    def _file(self) -> BufferedReader:
        if self._answers is None:
            raise ConnectionAbortedError("the connection is closed")
        return self._answers


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
