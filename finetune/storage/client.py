"""The S3 client: one a process, for all its threads, with botocore's standard retries and a bounded pool."""

import os
from functools import cache
from typing import Any

from finetune.storage.s3_errors import s3_errors

THREADS = 16
"""Requests of one process at the same time, where the caller does not say how many."""
CONNECTIONS = 64


def s3_client() -> Any:
    """The process's client. Credentials, region and AWS_ENDPOINT_URL come from the usual AWS chain."""
    return _client(os.getpid())


@cache
def _client(process: int) -> Any:
    """A client for each process, because a forked one must not share its parent's connections."""
    import boto3
    from botocore.config import Config

    config = Config(
        retries={"mode": "standard", "max_attempts": 6},
        max_pool_connections=CONNECTIONS,
        connect_timeout=10,
        read_timeout=60,
        tcp_keepalive=True,
    )
    with s3_errors("connect", "s3"):
        return boto3.session.Session().client("s3", config=config)
