import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from finetune.config.load import load_config, resolved
from rehearsal import Rehearsal
from rehearsal.fixture import skip_where_refused
from stacks.files import load_stack
from stacks.iam.render import render
from tests.operators.serving import SERVE, package
from tests.rehearsal.serving import serving_rehearsal
from tests.rehearsal.zenml.test_pipeline import ELSEWHERE, allows

ROOT = Path(__file__).resolve().parents[2]
NAME = "EXP-3333-license-mentions"
SCALING = "deploy.autoscaling={max_instances: 2}"


class Desk:
    """Runs commands against a rehearsal that has a home with registered models."""

    def __init__(self, up: Rehearsal) -> None:
        self.up, self.s3 = up, up.client("s3")
        self.register(7, "")
        self.register(8, "broken")

    def register(self, number: int, way: str) -> None:
        config = resolved(load_config(ROOT / "configs" / "EXP-3333.yaml", ["root=s3://rehearsal/outputs"]))
        record = {
            "experiment": NAME,
            "run_number": number,
            "status": "completed",
            "stack": "rehearsal",
            "started": "2026-01-01T00:00:00+00:00",
            "versions": {},
            "config": config,
        }
        self.put(f"runs/{number}/run.json", json.dumps(record).encode())
        self.put(f"models/{number}/model.json", json.dumps({"image": None, "package": {"sha256": way or "0"}}).encode())
        self.put(f"models/{number}/model.tar.gz", package(way))

    def put(self, name: str, body: bytes) -> None:
        self.s3.put_object(Bucket="rehearsal", Key=f"outputs/{NAME}/{name}", Body=body)

    def run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        environment: dict[str, Any] = {**os.environ, **self.up.environment}
        command = [sys.executable, str(ROOT / "run.py"), *arguments]
        return subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=120)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    skip_where_refused()
    with serving_rehearsal(tmp_path_factory.mktemp("deploy"), SERVE) as up:
        yield Desk(up)


def test_a_model_is_deployed_and_undeployed(desk: Desk) -> None:
    done = desk.run(
        "deploy", "EXP-3333", "7", "--stack", "rehearsal", "--set", "deploy.capture_percent=10", "--set", SCALING
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "endpoint exp-3333-license-mentions-7 serves; it answered a real example" in done.stdout + done.stderr
    sagemaker = desk.up.client("sagemaker")
    endpoint = sagemaker.describe_endpoint(EndpointName="exp-3333-license-mentions-7")
    assert endpoint["EndpointStatus"] == "InService"
    assert endpoint["DataCaptureConfig"]["DestinationS3Uri"] == f"s3://rehearsal/outputs/{NAME}/captured"
    done = desk.run("undeploy", "EXP-3333", "7", "--stack", "rehearsal")
    assert done.returncode == 0 and "removed scaling, endpoint, configuration, model" in done.stdout + done.stderr
    assert sagemaker.list_endpoints()["Endpoints"] == []


def test_one_that_does_not_get_healthy_is_an_error_with_its_log(desk: Desk) -> None:
    done = desk.run("deploy", "EXP-3333", "8", "--stack", "rehearsal")
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert "error: the weights are torn" in done.stderr
    assert desk.up.client("sagemaker").list_endpoints()["Endpoints"] == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["EXP-3333", "7", "--stack", "local"], "python run.py serve EXP-3333 7"),
        (["EXP-3333", "9", "--stack", "rehearsal"], "run 9 of EXP-3333-license-mentions does not exist"),
        (["EXP-3333", "7", "--stack", "rehearsal", "--set", "train.epochs=1"], "only keys of deploy can be changed"),
        (["EXP-3333", "7", "--stack", "rehearsal", "--set", "deploy.instance_type=ml.m5.big"], "ml.m5.large"),
    ],
)
def test_bad_usage_starts_nothing(desk: Desk, arguments: list[str], said: str) -> None:
    done = desk.run("deploy", *arguments)
    assert done.returncode == 2 and said in done.stderr and "Traceback" not in done.stderr


def test_files_of_ids_are_predicted_by_a_transform_job_and_failed_records_are_kept_apart(desk: Desk) -> None:
    lines = [{"guid": "one", "instance": {"text.txt": "golden"}}, {"guid": "two", "instance": {}}, {"guid": "three"}]
    desk.s3.put_object(Bucket="rehearsal", Key="asked.jsonl", Body="\n".join(map(json.dumps, lines)).encode())
    places = ["--input", "s3://rehearsal/asked.jsonl", "--output", "s3://rehearsal/answers"]
    done = desk.run("predict", "EXP-3333", "7", "--stack", "rehearsal", *places)
    assert done.returncode == 0 and "1 of 3 records answered" in done.stdout + done.stderr, done.stderr
    read = {
        name: desk.s3.get_object(Bucket="rehearsal", Key=f"answers/{name}.jsonl")["Body"].read().splitlines()
        for name in ("predictions", "failed")
    }
    assert [json.loads(line)["probabilities"] for line in read["predictions"]] == [{"a": 0.75, "b": 0.25}]
    assert {json.loads(line)["source"] for line in read["failed"]} == {
        "s3://rehearsal/asked.jsonl, line 2",
        "s3://rehearsal/asked.jsonl, line 3",
    }


def test_each_call_is_allowed_by_the_submitters_policy(desk: Desk) -> None:
    values = load_stack("rehearsal").values
    assert values is not None
    allowed = render("submitter", values)["Statement"]
    seen = [call for call in desk.up.calls() if call["role"] == "client"]
    assert ELSEWHERE["submitter"]["test_deploy"] - {call["action"] for call in seen} == set()
    assert [call for call in seen if not allows(allowed, call["action"], call["resource"])] == []
