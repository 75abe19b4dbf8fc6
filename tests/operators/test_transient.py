import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import boto3
import pytest
from botocore.config import Config

from finetune.errors import ComputeError
from operators import jobs
from operators.transient import patiently
from tests.operators.conftest import Bench

ANSWER = json.dumps({"TrainingJobName": "job", "TrainingJobStatus": "InProgress"}).encode()


class Service(BaseHTTPRequestHandler):
    """Answers DescribeTrainingJob, after the faults that are left: a status with an error's name, or a cut line."""

    faults: list[Any] = []
    asked = 0

    def do_POST(self) -> None:  # noqa: N802
        type(self).asked += 1
        fault = self.faults.pop(0) if self.faults else None
        if fault == "reset":
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        status, body = (200, ANSWER) if fault is None else (fault[0], json.dumps({"__type": fault[1]}).encode())
        self.send_response(status)
        self.send_header("Content-Type", "application/x-amz-json-1.1")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        """Keeps the test's output clean."""


@pytest.fixture
def client() -> Iterator[Any]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Service)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    Service.asked = 0
    yield boto3.client(
        "sagemaker",
        endpoint_url=f"http://127.0.0.1:{server.server_port}",
        region_name="us-east-1",
        aws_access_key_id="x",
        aws_secret_access_key="x",
        config=Config(retries={"total_max_attempts": 1}),
    )
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("fault", [(503, "ServiceUnavailable"), (400, "ThrottlingException"), "reset"], ids=str)
def test_a_fault_that_passes_is_waited_out(client: Any, fault: Any) -> None:
    Service.faults = [fault]
    assert jobs.status(client, "job") == "InProgress"
    assert Service.asked == 2


def test_a_permanent_error_is_told_at_once(client: Any) -> None:
    Service.faults = [(400, "AccessDeniedException")] * 2
    with pytest.raises(ComputeError, match="asking for training job job: AccessDeniedException.*stacks/iam/"):
        jobs.status(client, "job")
    assert Service.asked == 1


def test_patience_has_an_end(client: Any) -> None:
    Service.faults = [(503, "ServiceUnavailable")] * 9
    with pytest.raises(ComputeError, match="asking: ServiceUnavailable"):
        patiently(lambda: client.describe_training_job(TrainingJobName="job"), "asking", patience_s=2.0)
    assert Service.asked == 2


def test_an_expired_token_says_to_sign_in_again(bench: Bench) -> None:
    bench.rehearsal.limit(expired_token=True)
    try:
        with pytest.raises(ComputeError, match="ExpiredToken.*sign in to AWS again"):
            jobs.status(bench.sagemaker, "job")
    finally:
        bench.rehearsal.limit(expired_token=False)
