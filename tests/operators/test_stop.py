"""Stopping a run's training jobs, announced or not, on a rehearsal."""

import json
import time
import uuid
from datetime import UTC, datetime, timedelta

import pytest

from operators.execution import execution_of, job_of
from operators.names import job_name
from operators.stop import RUN_TAG, stop_run
from tests.operators.conftest import IMAGE, Bench


def job_request(bench: Bench, run: str) -> dict[str, object]:
    request = bench.request(["python", "-c", "import time; time.sleep(100)"])
    name = job_name(run[:36], "train", uuid.uuid4().hex)
    return request | {"TrainingJobName": name, "Tags": [{"Key": RUN_TAG, "Value": run}]}


@pytest.fixture
def run() -> str:
    return f"EXP-7-words-1-{uuid.uuid4().hex}"


def began() -> datetime:
    return datetime.now(UTC) - timedelta(minutes=1)


def test_an_announced_job_is_stopped_and_one_that_never_came_is_no_error(bench: Bench, run: str) -> None:
    request = job_request(bench, run) | {"Tags": []}
    bench.sagemaker.create_training_job(**request)
    name = str(request["TrainingJobName"])
    stopped = stop_run(bench.client, None, run, began(), lambda: [name, "never-came"], print, poll_s=0.2)
    assert stopped == [f"training job {name} (1 x ml.m5.large)"]


def test_a_job_that_no_step_has_announced_is_found_by_its_tag(bench: Bench, run: str) -> None:
    request = job_request(bench, run)
    bench.sagemaker.create_training_job(**request)
    name = str(request["TrainingJobName"])
    said: list[str] = []
    stopped = stop_run(bench.client, None, run, began(), lambda: [], said.append, poll_s=0.2)
    assert stopped == [f"training job {name} (1 x ml.m5.large)"]
    assert said == [f"stopping {stopped[0]}"]
    assert job_of(bench.sagemaker, "Training", name).status == "Stopped"  # type: ignore[union-attr]
    assert stop_run(bench.client, None, run, began(), lambda: [], said.append) == []


STARTS_LATE = """
import json, os, signal, sys, time
import boto3
request = json.loads(boto3.client("s3").get_object(Bucket="rehearsal", Key="late.json")["Body"].read())
sagemaker = boto3.client("sagemaker", region_name=os.environ["AWS_REGION"])
def late(number, frame):
    sagemaker.create_training_job(**request)
    sys.exit(1)
signal.signal(signal.SIGTERM, late)
print("waiting", flush=True)
time.sleep(100)
"""
"""A step that is told to stop, and starts its training job all the same; the request lies in S3, being too long for
an argument of a job (256 characters)."""


def execute(bench: Bench) -> str:
    """Starts a pipeline of one such step, and gives the execution's ARN."""
    bench.s3.put_object(Bucket="rehearsal", Key="late.py", Body=STARTS_LATE.encode())
    code = {"S3Uri": "s3://rehearsal/late.py", "LocalPath": "/opt/ml/processing/input", "S3DataType": "S3Prefix"}
    cluster = {"InstanceType": "ml.t3.medium", "InstanceCount": 1, "VolumeSizeInGB": 1}
    container = {"ImageUri": IMAGE, "ContainerEntrypoint": ["python", "/opt/ml/processing/input/late.py"]}
    job = {
        "AppSpecification": container,
        "ProcessingInputs": [{"InputName": "code", "S3Input": code | {"S3InputMode": "File"}}],
        "ProcessingResources": {"ClusterConfig": cluster},
        "RoleArn": bench.rehearsal.settings.role_arn,
    }
    definition = {"Version": "2020-12-01", "Steps": [{"Name": "train", "Type": "Processing", "Arguments": job}]}
    name, role = f"pipe-{uuid.uuid4().hex[:8]}", bench.rehearsal.settings.role_arn
    bench.sagemaker.create_pipeline(
        PipelineName=name,
        PipelineDefinition=json.dumps(definition),
        RoleArn=role,
        ClientRequestToken=uuid.uuid4().hex,
    )
    return str(bench.sagemaker.start_pipeline_execution(PipelineName=name)["PipelineExecutionArn"])


def test_a_job_that_a_stopping_step_still_starts_is_found_by_its_tag_and_stopped(bench: Bench, run: str) -> None:
    request = job_request(bench, run)
    bench.s3.put_object(Bucket="rehearsal", Key="late.json", Body=json.dumps(request).encode())
    arn = execute(bench)
    bench.until_line(arn, "waiting")
    stopped = stop_run(bench.client, arn, run, began(), lambda: [], print, poll_s=0.2)
    assert [line.split(" (")[0] for line in stopped] == [
        f"pipeline execution {arn.rpartition('/')[2]}",
        f"training job {request['TrainingJobName']}",
    ]
    assert not execution_of(bench.sagemaker, arn).runs
    assert job_of(bench.sagemaker, "Training", str(request["TrainingJobName"])).status == "Stopped"  # type: ignore[union-attr]


def test_the_jobs_of_another_run_go_on(bench: Bench, run: str) -> None:
    other = job_request(bench, f"{run[:36]}-other")
    bench.sagemaker.create_training_job(**other)
    name = str(other["TrainingJobName"])
    assert stop_run(bench.client, None, run, began(), lambda: [], print) == []
    job = job_of(bench.sagemaker, "Training", name)
    assert job is not None and job.runs
    bench.sagemaker.stop_training_job(TrainingJobName=name)
    while job_of(bench.sagemaker, "Training", name).runs:  # type: ignore[union-attr]
        time.sleep(0.1)
