"""What is asked for with each request to S3, by both clients."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import boto3
import pytest

from finetune.config.storage import StorageConfig
from finetune.storage.digest import Digest
from finetune.storage.plan import Copy
from finetune.storage.s3_copy import THROUGH
from finetune.storage.storage import storage_of
from tests.finetune.s3_server import account_of, environment, put

KEY = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
PAYER = "x-amz-request-payer"


def copy_of(bucket: str, name: str, content: bytes) -> Copy:
    version = dict(storage_of(f"s3://{bucket}").list_ids(f"s3://{bucket}/p", [name]))["x"][0].version
    return Copy(
        f"s3://{bucket}/p/x/{name}", f"s3://{bucket}/h/x/{name}", len(content), version, Digest.of_bytes(content)
    )


def test_what_is_written_is_encrypted_with_the_key(bucket: str) -> None:
    storage, large = storage_of(f"s3://{bucket}"), b"2" * (THROUGH + 1)
    put(bucket, {"p/x/small": b"1", "p/x/large": large})
    with environment(**StorageConfig(kms_key=KEY).environment):
        storage.copy(copy_of(bucket, "small", b"1"), scratch="")
        storage.copy(copy_of(bucket, "large", large), scratch="")
        storage.write(f"s3://{bucket}/h/x/written", b"3")
        assert all(
            file.digest is None for _, files in storage.list_ids(f"s3://{bucket}/h", ["small"]) for file in files
        )
    for name in ("small", "large", "written"):
        found = boto3.client("s3").head_object(Bucket=bucket, Key=f"h/x/{name}")
        assert (found["ServerSideEncryption"], found["SSEKMSKeyId"]) == ("aws:kms", KEY)
    assert "SSEKMSKeyId" not in boto3.client("s3").head_object(Bucket=bucket, Key="p/x/small")


class Recorder(BaseHTTPRequestHandler):
    """Answers any request with one byte, and keeps who pays for it."""

    protocol_version = "HTTP/1.1"
    asked: ClassVar[list[tuple[str, str | None]]] = []

    def do_GET(self) -> None:
        self.asked.append((self.command, self.headers.get(PAYER)))
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.send_response(200)
        for name, value in (
            ("Content-Length", "0" if self.command == "PUT" else "1"),
            ("ETag", '"e"'),
            ("Last-Modified", self.date_time_string()),
        ):
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(b"1")

    do_PUT = do_HEAD = do_GET

    def log_message(self, format: str, *values: object) -> None:
        """Nothing."""


@pytest.fixture
def recorder() -> Iterator[str]:
    Recorder.asked.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Recorder)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(("pays", "said"), [(True, "requester"), (False, None)])
def test_who_pays_is_said_with_each_request_to_the_endpoint(pays: bool, said: str | None, recorder: str) -> None:
    config = StorageConfig(endpoint_url=recorder, requester_pays=pays)
    with environment(**{**account_of("http://127.0.0.1:9"), **config.environment}):
        storage = storage_of("s3://b")
        storage.copy(Copy("s3://b/p", "s3://b/h", 1, "", Digest.of_bytes(b"1")), scratch="")
        assert storage.exists("s3://b/p")
        assert storage.read("s3://b/p") == b"1"
        storage.write("s3://b/p", b"1")
    assert Recorder.asked == [(verb, said) for verb in ("GET", "PUT", "HEAD", "GET", "PUT")]
