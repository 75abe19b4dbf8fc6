"""Answers on the wire, in the service's JSON protocol and as S3's XML."""

import json
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any

from rehearsal.errors import ServiceError

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
JSON, XML = "application/x-amz-json-1.1", "application/xml"


def answer(start: StartResponse, values: Any) -> Iterable[bytes]:
    """A good answer."""
    return send(start, 200, json.dumps(values).encode(), JSON)


def answer_error(start: StartResponse, error: ServiceError) -> Iterable[bytes]:
    """An error of a service that speaks JSON."""
    body = json.dumps({"__type": error.code, "message": error.message, **error.members}).encode()
    return send(start, error.status, body, JSON, ("x-amzn-errortype", error.code))


def answer_s3_error(start: StartResponse, error: ServiceError, *, head: bool) -> Iterable[bytes]:
    """An error of S3; the answer to HEAD has no body."""
    text = f"<Error><Code>{error.code}</Code><Message>{error.message}</Message></Error>"
    return send(start, error.status, b"" if head else text.encode(), XML)


def answer_query_error(start: StartResponse, error: ServiceError) -> Iterable[bytes]:
    """An error of a service that speaks the query protocol, such as STS and IAM."""
    text = f"<Error><Type>Sender</Type><Code>{error.code}</Code><Message>{error.message}</Message></Error>"
    return send(start, error.status, f"<ErrorResponse>{text}</ErrorResponse>".encode(), XML)


def send(start: StartResponse, status: int, body: bytes, kind: str, *headers: tuple[str, str]) -> Iterable[bytes]:
    """An answer of this content type, and with further headers."""
    start(
        f"{status} {HTTPStatus(status).phrase}", [("Content-Type", kind), ("Content-Length", str(len(body))), *headers]
    )
    return [body]
