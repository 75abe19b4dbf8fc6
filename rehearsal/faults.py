"""Faults that the rehearsal was told to answer with: an expired token, a bucket of another account, an ailing S3."""

from collections.abc import Callable, Iterable

from rehearsal.errors import ServiceError
from rehearsal.limits import Limits
from rehearsal.wire import Environ, StartResponse, answer_error, answer_query_error, answer_s3_error

Fault = Callable[[StartResponse], Iterable[bytes]]
EXPIRED = "The security token included in the request is expired"


def fault_of(limits: Limits, environ: Environ, service: str | None) -> Fault | None:
    """The faulty answer to this request, or None where it is to be served."""
    if service != "s3":
        return _expired(environ, service) if limits.expired_token and service is not None else None
    head = environ["REQUEST_METHOD"] == "HEAD"
    error = _s3_error(limits, environ)
    if error is not None:
        return lambda start: answer_s3_error(start, error, head=head)
    return _cut(environ) if limits.take("s3_resets") else None


def foreign(limits: Limits, environ: Environ, service: str | None) -> Fault | None:
    """The refusal of a bucket of another account."""
    bucket = environ.get("PATH_INFO", "").lstrip("/").partition("/")[0]
    if service != "s3" or bucket not in limits.foreign_buckets:
        return None
    denied = ServiceError("AccessDenied", "Access Denied", 403)
    return lambda start: answer_s3_error(start, denied, head=environ["REQUEST_METHOD"] == "HEAD")


def _s3_error(limits: Limits, environ: Environ) -> ServiceError | None:
    if limits.expired_token:
        return ServiceError("ExpiredToken", "The provided token has expired.")
    if limits.take("s3_unavailable"):
        return ServiceError("SlowDown", "Please reduce your request rate.", 503)
    return None


def _expired(environ: Environ, service: str | None) -> Fault:
    if environ.get("HTTP_X_AMZ_TARGET"):
        return lambda start: answer_error(start, ServiceError("ExpiredTokenException", EXPIRED))
    return lambda start: answer_query_error(start, ServiceError("ExpiredToken", EXPIRED, 403))


def _cut(environ: Environ) -> Fault:
    """Closes the connection without an answer."""

    def close(start: StartResponse) -> Iterable[bytes]:
        environ["werkzeug.socket"].shutdown(2)
        raise ConnectionResetError("rehearsed reset")

    return close
