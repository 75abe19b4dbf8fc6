"""Tries again what failed for a moment, with backoff and a limit, and counts how often.

botocore retries a refused request. It does not retry a body that breaks off or arrives corrupted while it is read, and
gives up early when many threads fail at once; both end here.
"""

import random
import time
from collections.abc import Callable
from typing import TypeVar

from botocore.exceptions import (
    ClientError,
    ConnectionError,
    FlexibleChecksumError,
    HTTPClientError,
    IncompleteReadError,
    ReadTimeoutError,
    ResponseStreamingError,
)

from finetune.storage.counter import RETRIES
from finetune.storage.failures import CorruptError
from finetune.storage.s3_errors import code_of

T = TypeVar("T")

ATTEMPTS = 6
FIRST_DELAY = 0.2
LONGEST_DELAY = 10.0
REREADS = 3
"""Attempts at a body of another content than expected: more than chance is a wrong hash, not a bad line."""


_BROKEN = (
    CorruptError,
    ConnectionError,
    FlexibleChecksumError,
    HTTPClientError,
    IncompleteReadError,
    ReadTimeoutError,
    ResponseStreamingError,
    ConnectionResetError,
)
_AILING = frozenset(
    {"SlowDown", "ServiceUnavailable", "InternalError", "RequestTimeout", "500", "502", "503", "504", "429"}
)


def retried(work: Callable[[], T]) -> T:
    """Gives the work's result; at a transient error it is called again, up to six times in all."""
    for attempt in range(1, ATTEMPTS):
        try:
            return work()
        except Exception as error:
            if not is_transient(error) or (isinstance(error, CorruptError) and attempt >= REREADS):
                raise
            RETRIES.add()
            time.sleep(delay(attempt) * random.uniform(0.5, 1.0))
    return work()


def is_transient(error: Exception) -> bool:
    """Whether the same request may succeed a moment later: pure."""
    if isinstance(error, ClientError):
        return code_of(error) in _AILING
    return isinstance(error, _BROKEN)


def delay(attempt: int) -> float:
    """Longest wait in seconds after the first, second, ... attempt: pure."""
    return min(LONGEST_DELAY, FIRST_DELAY * 2.0 ** (attempt - 1))
