import time
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from rehearsal import Rehearsal
from rehearsal.fixture import rehearsal  # noqa: F401


class Bench:
    """Submits small jobs to a rehearsal through boto3, and waits for them."""

    def __init__(self, up: Rehearsal) -> None:
        self.rehearsal, self.bucket = up, up.settings.bucket
        self.s3, self.sagemaker, self.logs = map(up.client, ("s3", "sagemaker", "logs"))

    def name(self, start: str) -> str:
        return f"{start}-{uuid.uuid4().hex[:8]}"

    def put(self, **files: str) -> str:
        """Puts files into a new prefix (`a_b` becomes a.b)."""
        prefix = f"in/{uuid.uuid4().hex[:8]}"
        for name, text in files.items():
            self.s3.put_object(Bucket=self.bucket, Key=f"{prefix}/{name.replace('_', '.')}", Body=text.encode())
        return f"s3://{self.bucket}/{prefix}"

    def channel(self, name: str, uri: str, distribution: str = "FullyReplicated") -> dict[str, Any]:
        source = {"S3DataType": "S3Prefix", "S3Uri": uri, "S3DataDistributionType": distribution}
        return {"ChannelName": name, "DataSource": {"S3DataSource": source}}

    def training(self, code: str, *channels: dict[str, Any], **members: Any) -> dict[str, Any]:
        """A request for a training job that runs this Python code."""
        algorithm = {
            "TrainingImage": "any",
            "TrainingInputMode": "File",
            "ContainerEntrypoint": ["python", "/opt/ml/input/data/code/job.py"],
        }
        request: dict[str, Any] = {
            "TrainingJobName": self.name("job"),
            "RoleArn": self.rehearsal.settings.role_arn,
            "AlgorithmSpecification": algorithm | members.pop("AlgorithmSpecification", {}),
            "InputDataConfig": [self.channel("code", self.put(job_py=code)), *channels],
            "OutputDataConfig": {"S3OutputPath": f"s3://{self.bucket}/out"},
            "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1}
            | members.pop("ResourceConfig", {}),
            "StoppingCondition": {"MaxRuntimeInSeconds": 60},
        }
        return request | members

    def train(self, code: str, *channels: dict[str, Any], **members: Any) -> str:
        request = self.training(code, *channels, **members)
        self.sagemaker.create_training_job(**request)
        return str(request["TrainingJobName"])

    def process(self, code: str, **members: Any) -> str:
        name = self.name("work")
        source = {
            "S3Uri": self.put(job_py=code),
            "LocalPath": "/opt/ml/processing/input/code",
            "S3DataType": "S3Prefix",
            "S3InputMode": "File",
        }
        cluster = {"InstanceType": "ml.t3.medium", "InstanceCount": 1, "VolumeSizeInGB": 1}
        request: dict[str, Any] = {
            "ProcessingJobName": name,
            "RoleArn": self.rehearsal.settings.role_arn,
            "AppSpecification": {
                "ImageUri": "any",
                "ContainerEntrypoint": ["python", "/opt/ml/processing/input/code/job.py"],
            },
            "ProcessingInputs": [{"InputName": "code", "S3Input": source}, *members.pop("inputs", [])],
            "ProcessingResources": {"ClusterConfig": cluster},
        }
        self.sagemaker.create_processing_job(**request | members)
        return name

    def trained(self, name: str) -> dict[str, Any]:
        return self.until(lambda: self.described(name), lambda job: job["TrainingJobStatus"] not in RUNNING)

    def described(self, name: str) -> dict[str, Any]:
        return dict(self.sagemaker.describe_training_job(TrainingJobName=name))

    def processed(self, name: str) -> dict[str, Any]:
        return self.until(
            lambda: dict(self.sagemaker.describe_processing_job(ProcessingJobName=name)),
            lambda job: job["ProcessingJobStatus"] not in RUNNING,
        )

    def until(self, look: Callable[[], Any], there: Callable[[Any], bool], seconds: float = 60.0) -> Any:
        ends = time.monotonic() + seconds
        while not there(found := look()):
            if time.monotonic() > ends:
                pytest.fail(f"not within {seconds} s: {found}")
            time.sleep(0.05)
        return found

    def lines(self, name: str, kind: str = "Training", host: str = "algo-1") -> list[str]:
        group = f"/aws/sagemaker/{kind}Jobs"
        try:
            found = self.logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=f"{name}/{host}-")
        except self.logs.exceptions.ResourceNotFoundException:
            return []
        return [
            event["message"]
            for stream in found["logStreams"]
            for event in self.logs.get_log_events(
                logGroupName=group, logStreamName=stream["logStreamName"], startFromHead=True
            )["events"]
        ]

    def says(self, name: str, line: str, kind: str = "Training") -> None:
        """Waits until the job has printed a line."""
        self.until(lambda: self.lines(name, kind), lambda lines: line in lines)

    def keys(self, prefix: str) -> list[str]:
        found = self.s3.list_objects_v2(Bucket=self.bucket, Prefix=prefix)
        return [each["Key"] for each in found.get("Contents", [])]

    def read(self, key: str) -> bytes:
        return bytes(self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read())


RUNNING = ("InProgress", "Stopping")


@pytest.fixture(scope="session")
def bench(rehearsal: Rehearsal) -> Bench:  # noqa: F811
    return Bench(rehearsal)
