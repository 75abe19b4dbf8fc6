"""Which errors of AWS pass by themselves, and a call that is repeated while they last."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from botocore.exceptions import BotoCoreError, ClientError, ConnectionError, HTTPClientError, NoCredentialsError

from finetune.errors import ComputeError

T = TypeVar("T")

PATIENCE_S = 900.0
"""How long AWS may fail without a success in between before it is given up."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 30.0
_PASSING = frozenset({"ThrottlingException", "Throttling", "RequestLimitExceeded", "TooManyRequestsException"})
_EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "UnrecognizedClientException", "InvalidClientTokenId"})


def is_transient(error: Exception) -> bool:
    """Whether the same call may succeed later: the network failed, the service did (5xx), or it asks for patience."""
    if isinstance(error, ClientError):
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return status >= 500 or error.response["Error"]["Code"] in _PASSING
    return isinstance(error, (ConnectionError, HTTPClientError))


def patiently(call: Callable[[], T], what: str, *, patience_s: float = PATIENCE_S) -> T:
    """Calls AWS, and again with growing pauses while its errors are transient.

    Args:
        call: The call.
        what: What it does, for the error.
        patience_s: Seconds after which a transient error counts as permanent.

    Raises:
        ComputeError: It failed for good.
    """
    ends, pause = time.monotonic() + patience_s, FIRST_PAUSE_S
    while True:
        try:
            return call()
        except (ClientError, BotoCoreError) as error:
            if not is_transient(error) or time.monotonic() + pause > ends:
                raise ComputeError(f"{what}: {_advice(error)}") from error
            time.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_S)


@contextmanager
def aws_errors(what: str) -> Iterator[None]:
    """Raises a ComputeError in place of what AWS's client raises; `what` was being done."""
    try:
        yield
    except (ClientError, BotoCoreError) as error:
        raise ComputeError(f"{what}: {_advice(error)}") from error


def _advice(error: ClientError | BotoCoreError) -> str:
    """The error, and what to do about it where that is known."""
    if isinstance(error, NoCredentialsError):
        return f"{error}; sign in to AWS (aws sso login, or AWS_PROFILE)"
    if not isinstance(error, ClientError):
        return str(error)
    code, message = error.response["Error"]["Code"], error.response["Error"].get("Message", "")
    hints = {
        "ResourceLimitExceeded": "; ask for a higher quota (AWS Service Quotas, Amazon SageMaker), or choose another "
        "compute.<step>.instance_type",
        "AccessDeniedException": "; the policies that are needed lie in stacks/iam/",
    }
    if "Could not assume role" in message:
        return f"{message} `python run.py stack check NAME` says what the role lacks"
    hint = "; sign in to AWS again (aws sso login)" if code in _EXPIRED else hints.get(code, "")
    return f"{code}: {message}{hint}"
