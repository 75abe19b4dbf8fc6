"""A real S3 server for tests, and one that fails in front of it; clients find them through AWS_ENDPOINT_URL."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
import pytest

from finetune.storage import client

SERVER = """
import sys
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer(ip_address="127.0.0.1", port=int(sys.argv[1]), verbose=False)
server.start()
server._thread.join()
"""


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@contextmanager
def started(command: list[str], port: int, **options: Any) -> Iterator[str]:
    """A server process, from when it answers until the context ends; options are those of Popen."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **options)
    try:
        ends = time.monotonic() + 60
        while process.poll() is None and time.monotonic() < ends:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                time.sleep(0.05)
        else:
            raise RuntimeError(f"{command} does not answer")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


@contextmanager
def environment(**values: str) -> Iterator[None]:
    """Environment variables for this process and its children; its S3 client and boto3's session are made anew."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(boto3, "DEFAULT_SESSION", None)  # it remembers the credentials of its first client
        for name, value in values.items():
            patch.setenv(name, value)
        client._client.cache_clear()
        yield
    client._client.cache_clear()


@contextmanager
def s3_server() -> Iterator[str]:
    """An S3 server of moto; gives its address."""
    port = free_port()
    with started([sys.executable, "-c", SERVER, str(port)], port) as address:
        yield address


def account_of(address: str) -> dict[str, str]:
    """Environment of a client of the server; nothing of the user's own AWS settings."""
    return {
        "AWS_ENDPOINT_URL": address,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


class Weather:
    """A proxy in front of an S3 server that fails as it is told."""

    def __init__(self, address: str) -> None:
        self.address, self._since = address, 0.0

    def rules(self, *rules: dict[str, Any]) -> None:
        self._since = time.time()
        self._ask("POST", "rules", [{"service": "s3", **rule} for rule in rules])

    def fired(self) -> list[dict[str, Any]]:
        """What was done to requests since the rules were set."""
        return list(self._ask("GET", f"fired?limit=100000&since={self._since}"))

    def _ask(self, method: str, what: str, body: object = None) -> Any:
        request = urllib.request.Request(
            f"{self.address}/_microburst/{what}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.loads(answer.read() or b"null")


@contextmanager
def bad_weather(upstream: str) -> Iterator[str]:
    """A microburst in front of the server; gives its address."""
    port = free_port()
    command = [sys.executable, "-m", "microburst", "--upstream", upstream, "--port", str(port), "--host", "127.0.0.1"]
    with started(command, port) as address:
        yield address


def put(bucket: str, files: dict[str, bytes]) -> None:
    for key, content in files.items():
        client.s3_client().put_object(Bucket=bucket, Key=key, Body=content)


def objects(bucket: str, prefix: str = "") -> dict[str, bytes]:
    """Content by key."""
    s3 = boto3.client("s3")
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    keys = [each["Key"] for page in pages for each in page.get("Contents", [])]
    return {key: s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys}
