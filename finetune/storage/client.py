"""The S3 client: one a process, for all its threads, with botocore's standard retries and a bounded pool."""

import os
from functools import cache
from typing import Any

from finetune.storage.options import Options, options
from finetune.storage.s3_errors import s3_errors
from finetune.storage.session import Make, session_maker

THREADS = 16
"""Requests of one process at the same time, where the caller does not say how many."""
CONNECTIONS = 64
_WRITES = frozenset({"PutObject", "CopyObject", "CreateMultipartUpload"})


def s3_client() -> Any:
    """The process's client, made from its session; the region and AWS_ENDPOINT_URL are those of the usual AWS chain."""
    return _client(os.getpid(), session_maker(), options())


@cache
def _client(process: int, make: Make, asked: Options) -> Any:
    """A client for each process, because a forked one must not share its parent's connections."""
    from botocore.config import Config

    config = Config(
        retries={"mode": "standard", "max_attempts": 6},
        max_pool_connections=CONNECTIONS,
        connect_timeout=10,
        read_timeout=60,
        tcp_keepalive=True,
    )
    with s3_errors("connect", "s3"):
        client = make().client("s3", config=config)

    def ask(params: dict[str, Any], model: Any, **_: Any) -> None:
        params |= _asked(asked, model.name, frozenset(model.input_shape.members))

    client.meta.events.register("provide-client-params.s3", ask)
    return client


def _asked(asked: Options, operation: str, members: frozenset[str]) -> dict[str, str]:
    """The parameters that the options add to a request of S3: pure."""
    pays = {"RequestPayer": "requester"} if asked.requester_pays and "RequestPayer" in members else {}
    if asked.kms_key is None or operation not in _WRITES:
        return pays
    return {**pays, "ServerSideEncryption": "aws:kms", "SSEKMSKeyId": asked.kms_key}
