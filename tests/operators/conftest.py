import io
import json
import tarfile
import time
import uuid
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from finetune.config.compute import MachinesConfig
from operators import jobs
from operators.execution import execution_of
from operators.logs import LogTail
from operators.request import AccountSettings, training_request
from rehearsal import Image, Rehearsal, Settings
from rehearsal.fixture import skip_where_refused
from rehearsal.zenml.image import TRAIN

ROOT = Path(__file__).resolve().parents[2]
PROJECT = Path(__file__).parent / "project"
IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/finetune:1"
SETTINGS = {"epochs": 2, "batch_size": 8, "learning_rate": 0.05, "log_every": 1, "precision": "fp32"}


class Bench:
    """Submits jobs as the step operator does, with commands of the test's own."""

    def __init__(self, up: Rehearsal) -> None:
        self.rehearsal, self.said = up, list[str]()
        self.client = cache(up.client)
        self.sagemaker, self.s3 = self.client("sagemaker"), self.client("s3")
        self.output = f"s3://{up.settings.bucket}/outputs"

    def request(self, command: list[str], start: str = "job", **machines: Any) -> dict[str, Any]:
        image, environment = machines.pop("image", IMAGE), machines.pop("variables", {"OMP_NUM_THREADS": "1"})
        account = AccountSettings(role=self.rehearsal.settings.role_arn, output=self.output)
        name = f"{start}-{uuid.uuid4().hex[:8]}"
        return training_request(
            name,
            image=image,
            command=command,
            environment=environment,
            machines=MachinesConfig(**{"instance_type": "ml.m5.large", **machines}),
            account=account,
            checkpoints=f"{self.output}/{name}/checkpoints",
            tags={"finetune:step": "train"},
        )

    def submit(self, command: list[str], **machines: Any) -> str:
        request = self.request(command, **machines)
        jobs.submit(self.sagemaker, request)
        return str(request["TrainingJobName"])

    def wait(self, name: str) -> dict[str, Any]:
        self.said.clear()
        return jobs.wait(self.client, name, self.said.append, poll_s=0.2)

    def run(self, command: list[str], **machines: Any) -> dict[str, Any]:
        return self.wait(self.submit(command, **machines))

    def code(self, text: str, **machines: Any) -> dict[str, Any]:
        return self.run(["python", "-c", text], **machines)

    def train(self, model: dict[str, Any] | None = None, **machines: Any) -> dict[str, Any]:
        return self.wait(self.submit_training(model, **machines))

    def submit_training(self, model: dict[str, Any] | None = None, **machines: Any) -> str:
        settings = json.dumps(SETTINGS | machines.pop("settings", {}))
        return self.submit(["python", "/app/jobs/train.py", json.dumps(model or {}), settings], **machines)

    def interrupt_in_training(self, job: str) -> None:
        """Takes a job's machines away once it has validated for the first time."""
        tail, lines = LogTail(self.client, job, "Training"), list[str]()
        while not any("validation_loss" in line for line in lines):
            lines.extend(tail.new())
            status = self.sagemaker.describe_training_job(TrainingJobName=job)["TrainingJobStatus"]
            assert status == "InProgress", lines
            time.sleep(0.1)
        self.rehearsal.interrupt(job)

    def until_line(self, execution: str, line: str) -> None:
        """Waits until the first step of a pipeline execution has printed this."""
        while True:
            step = execution_of(self.sagemaker, execution).steps.get("train")
            lines = list(LogTail(self.client, step.job, "Processing").new()) if step and step.job else []
            if line in lines:
                return
            assert step is None or step.status in ("Starting", "Executing"), lines
            time.sleep(0.1)

    def model(self, job: dict[str, Any]) -> dict[str, bytes]:
        """The files in a job's model.tar.gz."""
        bucket, _, key = job["ModelArtifacts"]["S3ModelArtifacts"].removeprefix("s3://").partition("/")
        body = self.s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        with tarfile.open(fileobj=io.BytesIO(body)) as tar:
            return {member.name.removeprefix("./"): tar.extractfile(member).read() for member in tar if member.isfile()}  # type: ignore[union-attr]


@pytest.fixture(scope="session")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """A rehearsal whose image holds the project's code, and nothing else of the checkout."""
    skip_where_refused()
    files = {f"/app/{room}": str(ROOT / room) for room in ("docker/startup", "finetune", "operators")}
    files |= {"/app/experiments": str(PROJECT / "experiments"), "/app/jobs": str(PROJECT / "jobs")}
    variables = {"PYTHONUNBUFFERED": "TRUE", "PYTHONPATH": "/app:/app/docker/startup"}
    image = Image(files=files, environment=variables, train=TRAIN, folder="/app")
    settings = Settings(images={IMAGE: image}, stop_grace_s=20.0, sync_s=0.3)
    with Rehearsal(tmp_path_factory.mktemp("rehearsal") / "home", settings) as up:
        yield Bench(up)
