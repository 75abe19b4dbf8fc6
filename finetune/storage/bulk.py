"""Small objects in great number, through obstore: a request costs a third of the processor time that boto3 takes.

Copies within S3 are made by light_copy.py: obstore cannot copy on a condition, and keeps the copy's ETag to itself. All
else stays with boto3: obstore refuses keys that are no clean path, and hangs in a forked process that inherited it.
docs/storage.md has the figures.
"""

import re
from collections.abc import Iterator
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError, HTTPClientError, NoCredentialsError

from finetune.storage.client import s3_client
from finetune.storage.digest import Digest
from finetune.storage.failures import checked
from finetune.storage.object import Object
from finetune.storage.options import Options, options
from finetune.storage.session import Make, session_maker
from finetune.storage.uri import S3Uri

if TYPE_CHECKING:
    from obstore import Bytes
    from obstore.store import S3Store

_UNCLEAN = re.compile(r"[\x00-\x1f\x7f]|(^|/)\.{0,2}(/|$)")
PAGE = 1_000
_NO_LENGTH = "Content-Length Header missing"
_WITHOUT_LENGTH: set[str] = set()
"""Endpoints behind a proxy that leaves out the length of what it passes on, which obstore must have."""
_CODE = re.compile("<Code>([A-Za-z]+)</Code>")
_STATUS = re.compile("status code: ([0-9]{3})")
_CONNECT, _ANSWER = timedelta(seconds=10), timedelta(seconds=60)


class UncleanError(Exception):
    """A key that obstore would refuse, or change."""


def is_clean(key: str) -> bool:
    """Whether obstore takes a key as it is: it would refuse, or change, one with an empty or dotted part."""
    return _UNCLEAN.search(key) is None


def serves(uri: S3Uri) -> bool:
    """Whether obstore takes this object's key as it is, and can read from the endpoint."""
    return is_clean(uri.key) and s3_client().meta.endpoint_url not in _WITHOUT_LENGTH


def get(uri: S3Uri, etag: str, digest: Digest) -> "Bytes":
    """An object's content, checked.

    Raises:
        ClientError: S3 refuses it, for instance because it has another ETag now.
        HTTPClientError: S3 cannot be reached, or the body breaks off. An answer without its length is of this kind too:
            then `serves` says so from now on.
        CorruptError: It has another content than expected.
    """
    import obstore

    store = _store(uri.bucket)
    try:
        content = obstore.get(store, uri.key, options={"if_match": etag} if etag else {}).bytes()
    except Exception as error:
        if _NO_LENGTH in str(error):
            _WITHOUT_LENGTH.add(s3_client().meta.endpoint_url)
        raise _as_of_botocore(error, "GetObject") from error
    return checked(content, digest)


def put(uri: S3Uri, content: "Bytes | bytes", metadata: dict[str, str]) -> None:
    """Writes an object in one request; S3 refuses a body that is not the one that was signed.

    Raises:
        ClientError: S3 refuses it.
        HTTPClientError: S3 cannot be reached.
    """
    import obstore

    store = _store(uri.bucket)
    try:
        obstore.put(store, uri.key, content, attributes=metadata, use_multipart=False)
    except Exception as error:
        raise _as_of_botocore(error, "PutObject") from error


def pages(folder: S3Uri, after: str) -> Iterator[list[Object]]:
    """Yields the objects below a place, a page at a time, from after a path relative to it.

    Raises:
        UncleanError: A key is none that obstore takes.
        ClientError: S3 refuses it.
        HTTPClientError: S3 cannot be reached.
    """
    import obstore

    start = len(folder.prefix)
    try:
        offset = folder.prefix + after if after else None
        for page in obstore.list(_store(folder.bucket), folder.key or None, offset=offset, chunk_size=PAGE):
            yield [
                Object(each["path"][start:], each["size"], each["e_tag"] or "", each["last_modified"]) for each in page
            ]
    except Exception as error:
        if "path" in str(error).partition("\n")[0].lower() and _STATUS.search(str(error)) is None:
            raise UncleanError from error
        raise _as_of_botocore(error, "ListObjectsV2") from error


def _store(bucket: str) -> "S3Store":
    return _made(s3_client(), session_maker(), options(), bucket)


@cache
def _made(client: Any, make: Make, asked: Options, bucket: str) -> "S3Store":
    """Asks the endpoint that boto3's client asks, with the same credentials; tries nothing again, which is counted."""
    from obstore.auth.boto3 import Boto3CredentialProvider
    from obstore.store import S3Store

    session = make()
    if session.get_credentials() is None:
        raise NoCredentialsError
    key: dict[str, Any] = {} if asked.kms_key is None else {
        "server_side_encryption": "aws:kms", "sse_kms_key_id": asked.kms_key
    }  # fmt: skip
    return S3Store(
        bucket,
        endpoint=client.meta.endpoint_url,
        region=client.meta.region_name,
        request_payer=asked.requester_pays,
        credential_provider=Boto3CredentialProvider(session, ttl=timedelta(minutes=5)),
        client_options={"allow_http": True, "connect_timeout": _CONNECT, "timeout": _ANSWER},
        retry_config={"max_retries": 0},
        **key,
    )


def _as_of_botocore(error: Exception, operation: str) -> Exception:
    """The same failure as botocore would raise it, so that one room retries and words both clients' errors."""
    said = str(error).partition("\n\nDebug source")[0]
    code, status = _CODE.search(said), _STATUS.search(said)
    if code is None and status is None:
        failed: Exception = HTTPClientError(error=said)
        return failed
    name = code[1] if code else status[1] if status else "?"
    answer = {"Error": {"Code": name, "Message": said}, "ResponseMetadata": {"HTTPHeaders": {}}}
    refused: Exception = ClientError(answer, operation)
    return refused
