"""AWS Signature Version 4 of a request to S3 without a body: pure.

https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
"""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

_ALGORITHM, _NO_BODY = "AWS4-HMAC-SHA256", hashlib.sha256(b"").hexdigest()


class Keys(NamedTuple):
    """Credentials of AWS, as botocore's frozen credentials name them."""

    access_key: str
    secret_key: str
    token: str | None


def signed(
    method: str, path: str, headers: Mapping[str, str], keys: Keys, region: str, now: datetime
) -> dict[str, str]:
    """The headers to send: those given, the time, and the signature over all of them.

    Args:
        method: The request's method.
        path: The request's path, quoted as it is sent.
        headers: Names in lower case, `host` among them; values without blanks at their ends or in a row.
        keys: Who asks.
        region: The endpoint's.
        now: The time, in UTC.
    """
    at = now.strftime("%Y%m%dT%H%M%SZ")
    token = {} if keys.token is None else {"x-amz-security-token": keys.token}
    sent = {**headers, **token, "x-amz-content-sha256": _NO_BODY, "x-amz-date": at}
    names = sorted(sent)
    lines = "".join(f"{name}:{sent[name]}\n" for name in names)
    request = f"{method}\n{path}\n\n{lines}\n{';'.join(names)}\n{_NO_BODY}"
    scope = f"{at[:8]}/{region}/s3/aws4_request"
    text = f"{_ALGORITHM}\n{at}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
    signature = _mac(_signing_key(keys.secret_key, at[:8], region), text).hex()
    proof = f"Credential={keys.access_key}/{scope}, SignedHeaders={';'.join(names)}, Signature={signature}"
    return {**sent, "authorization": f"{_ALGORITHM} {proof}"}


@lru_cache(maxsize=8)
def _signing_key(secret: str, day: str, region: str) -> bytes:
    return _mac(_mac(_mac(_mac(f"AWS4{secret}".encode(), day), region), "s3"), "aws4_request")


def _mac(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), "sha256")
