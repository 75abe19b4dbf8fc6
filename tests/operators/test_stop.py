"""Stopping a run's training jobs, on a rehearsal."""

import time
import uuid
from datetime import UTC, datetime, timedelta

import pytest

from operators.execution import job_of
from operators.names import job_name
from operators.stop import RUN_TAG, stop_run
from tests.operators.conftest import Bench


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
