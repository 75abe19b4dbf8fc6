"""Stopping a run, on a rehearsal: its execution and every training job that carries its tag."""

import json
import time
import uuid
from datetime import UTC, datetime, timedelta

import pytest

from operators.execution import execution_of, job_of
from operators.names import job_name
from operators.stop import RUN_TAG, stop_run
from tests.operators.conftest import IMAGE, Bench

# A step that is told to stop, and starts its training job all the same.
STARTS_LATE = """
import json, signal, sys, time
import boto3
def late(number, frame):
    time.sleep(1)
    boto3.client("sagemaker").create_training_job(**json.loads(sys.argv[1]))
    sys.exit(1)
signal.signal(signal.SIGTERM, late)
print("waiting", flush=True)
time.sleep(100)
"""


def job_request(bench: Bench, run: str) -> dict[str, object]:
    request = bench.request(["python", "-c", "import time; time.sleep(100)"])
    name = job_name(run[:36], "train", uuid.uuid4().hex)
    return request | {"TrainingJobName": name, "Tags": [{"Key": RUN_TAG, "Value": run}]}


def execute(bench: Bench, *arguments: str) -> str:
    """Starts a pipeline of one processing step and gives the execution's ARN."""
    cluster = {"InstanceType": "ml.t3.medium", "InstanceCount": 1, "VolumeSizeInGB": 1}
    job = {
        "AppSpecification": {"ImageUri": IMAGE, "ContainerEntrypoint": ["python", "-c", STARTS_LATE, *arguments]},
        "ProcessingResources": {"ClusterConfig": cluster},
        "RoleArn": bench.rehearsal.settings.role_arn,
    }
    definition = {"Version": "2020-12-01", "Steps": [{"Name": "train", "Type": "Processing", "Arguments": job}]}
    name = f"pipe-{uuid.uuid4().hex[:8]}"
    bench.sagemaker.create_pipeline(
        PipelineName=name,
        PipelineDefinition=json.dumps(definition),
        RoleArn=bench.rehearsal.settings.role_arn,
        ClientRequestToken=uuid.uuid4().hex,
    )
    return str(bench.sagemaker.start_pipeline_execution(PipelineName=name)["PipelineExecutionArn"])


@pytest.fixture
def run() -> str:
    return f"EXP-7-words-1-{uuid.uuid4().hex}"


def began() -> datetime:
    return datetime.now(UTC) - timedelta(minutes=1)


def test_a_job_that_a_stopping_step_still_starts_is_found_by_its_tag_and_stopped(bench: Bench, run: str) -> None:
    request = job_request(bench, run)
    arn = execute(bench, json.dumps(request))
    bench.until_line(arn, "waiting")
    said: list[str] = []
    stopped = stop_run(bench.client, arn, run, began(), lambda: [], said.append, poll_s=0.2)
    assert [line.split(" (")[0] for line in stopped] == [
        f"pipeline execution {arn.rpartition('/')[2]}",
        f"training job {request['TrainingJobName']}",
    ]
    assert said == [f"stopping {line}" for line in stopped]
    assert not execution_of(bench.sagemaker, arn).runs
    job = job_of(bench.sagemaker, "Training", str(request["TrainingJobName"]))
    assert job is not None and job.status == "Stopped"
    assert stop_run(bench.client, arn, run, began(), lambda: [], said.append) == []


def test_an_announced_job_is_stopped_and_one_that_never_came_is_no_error(bench: Bench, run: str) -> None:
    request = job_request(bench, run) | {"Tags": []}
    bench.sagemaker.create_training_job(**request)
    name = str(request["TrainingJobName"])
    stopped = stop_run(bench.client, None, run, began(), lambda: [name, "never-came"], print, poll_s=0.2)
    assert stopped == [f"training job {name} (1 x ml.m5.large)"]


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
