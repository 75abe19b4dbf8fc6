"""A pipeline of ZenML, through ZenML's SageMaker orchestrator, on a rehearsal."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import psutil
import pytest

from rehearsal import Rehearsal, Settings
from rehearsal.fixture import skip_where_refused
from rehearsal.state import State
from stacks.files import load_stack
from stacks.iam.render import render
from tests.checkout import put_rooms
from tests.rehearsal.conftest import Bench

ROOT = Path(__file__).resolve().parents[3]
PROJECT = Path(__file__).parent / "project"
ENDED = ("Succeeded", "Failed", "Stopped")


@dataclass(frozen=True)
class Ran:
    """The trivial pipeline after its end: ZenML's view, and SageMaker's steps and jobs by name of the step."""

    run: dict[str, Any]
    steps: dict[str, dict[str, Any]]
    jobs: dict[str, dict[str, Any]]


def ask(up: Rehearsal, *command: str) -> str:
    """Runs a Python program as the rehearsal's client; gives its last line."""
    environment = os.environ | up.environment | {"PYTHONPATH": str(ROOT), "ZENML_LOGGING_VERBOSITY": "CRITICAL"}
    ran = subprocess.run(
        [sys.executable, *command], env=environment, cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout.splitlines()[-1]


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rehearsal]:
    skip_where_refused()
    folder = tmp_path_factory.mktemp("zenml")
    shutil.copytree(PROJECT, folder / "project")
    # A job loads the whole stack, its step operator included.
    put_rooms(folder / "project", "finetune", "operators")
    with Rehearsal(folder / "rehearsal", Settings(project=str(folder / "project"), stop_grace_s=1.0)) as rehearsal:
        yield rehearsal


@pytest.fixture(scope="module")
def ran(up: Rehearsal) -> Ran:
    name = ask(up, "submit.py", str(ROOT), str(up.folder))
    sagemaker = up.client("sagemaker")
    pipeline = sagemaker.list_pipelines()["PipelineSummaries"][0]["PipelineName"]
    found = sagemaker.list_pipeline_executions(PipelineName=pipeline)["PipelineExecutionSummaries"][0]
    execution = {"PipelineExecutionArn": found["PipelineExecutionArn"]}
    while sagemaker.describe_pipeline_execution(**execution)["PipelineExecutionStatus"] not in ENDED:
        time.sleep(0.2)
    steps = {
        step["StepName"]: step
        for step in sagemaker.list_pipeline_execution_steps(**execution)["PipelineExecutionSteps"]
    }
    jobs = {}
    for step, about in steps.items():
        arn = about["Metadata"]["ProcessingJob"]["Arn"]
        job = sagemaker.describe_processing_job(ProcessingJobName=arn.rpartition("/")[2])
        jobs[step] = job | {"Tags": sagemaker.list_tags(ResourceArn=arn)["Tags"]}
    return Ran(json.loads(ask(up, "look.py", name)), steps, jobs)


def test_it_runs_as_processing_jobs_and_is_completed_on_zenmls_server(ran: Ran) -> None:
    assert (ran.run["status"], ran.run["stack"]) == ("completed", "rehearsal")
    assert {name: step["StepStatus"] for name, step in ran.steps.items()} == {"greet": "Succeeded", "look": "Succeeded"}


def test_its_artifacts_lie_in_s3_and_its_code_was_not_uploaded(ran: Ran, up: Rehearsal) -> None:
    assert ran.run["outputs"]["greeting"]["value"] == "hello, rehearsal"
    keys = [each["Key"] for each in up.client("s3").list_objects_v2(Bucket="rehearsal")["Contents"]]
    assert all(
        any(f"s3://rehearsal/{key}".startswith(output["uri"]) for key in keys) for output in ran.run["outputs"].values()
    )
    assert ran.run["code_path"] is None and not any("code_uploads" in key for key in keys)


def test_a_job_sees_its_image_and_neither_the_checkout_nor_the_clients_zenml(ran: Ran, up: Rehearsal) -> None:
    seen = ran.run["outputs"]["seen"]["value"]
    assert seen["folder"] == ["/app", "/app/steps/greet.py"]
    assert PROJECT.is_dir() and seen[str(ROOT)] == [] and seen[str(up.folder)] == []


def test_network_key_tags_and_image_reach_every_job(ran: Ran) -> None:
    values = load_stack("rehearsal").values
    assert values is not None
    for job in ran.jobs.values():
        assert job["NetworkConfig"] == {
            "EnableInterContainerTrafficEncryption": True,
            "EnableNetworkIsolation": False,
            "VpcConfig": {"Subnets": values.subnets, "SecurityGroupIds": values.security_groups},
        }
        cluster = job["ProcessingResources"]["ClusterConfig"]
        assert (cluster["InstanceType"], cluster["VolumeKmsKeyId"]) == ("ml.t3.medium", values.kms_key)
        assert (job["AppSpecification"]["ImageUri"], job["RoleArn"]) == (values.image, values.role)
        assert {"Key": "project", "Value": "finetune"} in job["Tags"]


APPLY = """
from stacks.apply import apply
from zenml.client import Client
def state():
    return sorted((c.name, str(c.id), str(c.updated)) for c in Client().list_stack_components().items)
first = apply("rehearsal")
before = state()
print(first == apply("rehearsal") and before == state())
"""


def test_applying_the_stack_again_changes_nothing(up: Rehearsal, tmp_path: Path) -> None:
    (tmp_path / "again.py").write_text(APPLY)
    assert ask(up, str(tmp_path / "again.py")) == "True"


def test_the_dashboard_opens_and_both_servers_listen_on_loopback_only(up: Rehearsal) -> None:
    assert up.dashboard is not None
    with urlopen(up.dashboard) as page:
        assert b"ZenML" in page.read()
    ports = {int(url.rpartition(":")[2]) for url in (up.dashboard, up.endpoint)}
    listening = [
        each for each in psutil.net_connections() if each.status == psutil.CONN_LISTEN and each.laddr.port in ports
    ]
    assert {each.laddr.ip for each in listening} == {"127.0.0.1"} and len(listening) == 2


def test_nothing_is_left_of_the_zenml_server(tmp_path: Path, up: Rehearsal) -> None:
    with Rehearsal(tmp_path / "other", up.settings) as other:
        assert other.dashboard is not None
        port = int(other.dashboard.rpartition(":")[2])
        assert any(
            str(other.folder) in " ".join(each.info["cmdline"] or []) for each in psutil.process_iter(["cmdline"])
        )
    assert not any(str(tmp_path) in " ".join(each.info["cmdline"] or []) for each in psutil.process_iter(["cmdline"]))
    with socket.socket() as tried:
        assert tried.connect_ex(("127.0.0.1", port)) != 0
    assert not other.folder.exists()


def test_the_zenml_server_ends_with_a_rehearsal_that_is_killed(tmp_path: Path, up: Rehearsal) -> None:
    other = Rehearsal(tmp_path / "other", up.settings)
    other.start()
    assert other.dashboard is not None
    state = State.load(other.folder)
    assert state is not None
    os.kill(state.pid, signal.SIGKILL)
    ends = time.monotonic() + 10
    while running := [each for each in psutil.process_iter(["cmdline"]) if str(tmp_path) in str(each.info["cmdline"])]:
        assert time.monotonic() < ends, running
        time.sleep(0.1)
    other.stop()


def test_stack_check_finds_all_in_order(up: Rehearsal) -> None:
    environment = os.environ | up.environment
    command = [sys.executable, "run.py", "stack", "check", "rehearsal"]
    checked = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
    subjects = [line.split()[1].rstrip(":") for line in checked.stdout.splitlines()]
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert subjects == ["region", "credentials", "ZenML", "role", "scheduler", "bucket", "image", "quota"]


def test_a_server_of_this_machine_is_no_server_for_aws(up: Rehearsal) -> None:
    environment = {name: value for name, value in (os.environ | up.environment).items() if name != "AWS_ENDPOINT_URL"}
    code = "from stacks.checks.server import check_server; print(check_server().found)"
    told = subprocess.run([sys.executable, "-c", code], env=environment, cwd=ROOT, capture_output=True, text=True)
    assert told.stdout.splitlines()[-1] == f"AWS does not reach {up.dashboard}, an address of this machine"


def test_each_call_is_allowed_and_each_allowed_action_is_seen_or_taken_on_the_roles_behalf(
    ran: Ran, up: Rehearsal
) -> None:
    values = load_stack("rehearsal").values
    assert values is not None
    ask(up, str(ROOT / "run.py"), "stack", "check", "rehearsal")
    jobs = Bench(up)
    broken = jobs.trained(jobs.train(BROKEN_OFF, AlgorithmSpecification={"TrainingImage": values.image}))
    assert "the disk is gone" in broken["FailureReason"]
    on_behalf = json.loads((ROOT / "stacks/iam/on-behalf.json").read_text())
    for policy, role in (("execution-role", values.role), ("submitter", "client")):
        allowed = render(policy, values)["Statement"]
        seen = [call for call in up.calls() if call["role"] == role]
        assert [call for call in seen if not allows(allowed, call["action"], call["resource"])] == []
        actions = {call["action"] for call in seen}
        unseen = {action for each in allowed for action in each["Action"]} - actions
        assert unseen == set(on_behalf[policy]).union(*ELSEWHERE[policy].values()) - actions


def allows(statements: list[dict[str, Any]], action: str, resource: str) -> bool:
    """Whether a statement names the action and the resource; an action without a resource must be allowed on `*`."""
    for each in statements:
        resources = [each["Resource"]] if isinstance(each["Resource"], str) else each["Resource"]
        if action in each["Action"] and any(fnmatchcase(resource, known) for known in resources):
            return True
    return False


def check_calls(up: Rehearsal, test: str) -> None:
    """Each call of clients and jobs is allowed by their policies, and those are seen that a test answers for."""
    values = load_stack("rehearsal").values
    assert values is not None
    for policy, role in (("execution-role", values.role), ("submitter", "client")):
        allowed = render(policy, values)["Statement"]
        seen = [call for call in up.calls() if call["role"] == role]
        assert [call for call in seen if not allows(allowed, call["action"], call["resource"])] == []
        assert ELSEWHERE[policy].get(test, set()) - {call["action"] for call in seen} == set()


BROKEN_OFF = """
import boto3
class Breaking:
    left = 4
    def read(self, size=-1):
        self.left -= 1
        if self.left == 0:
            open('/opt/ml/output/failure', 'w').write('the disk is gone')
            raise OSError('the disk is gone')
        return b'x' * size
boto3.client('s3').upload_fileobj(Breaking(), 'rehearsal', 'broken-off')
"""
"""A job whose upload in parts ends in its midst; S3 would keep, and bill, the parts that it has."""


# What steps with machines of their own and the commands on a run ask for; this pipeline has neither. Each test here
# holds the calls that it has seen to its part of the list.
ELSEWHERE: dict[str, dict[str, set[str]]] = {
    "execution-role": {
        "test_portability": {
            "logs:DescribeLogStreams",
            "logs:GetLogEvents",
            "s3:DeleteObject",
            "sagemaker:CreateTrainingJob",
            "sagemaker:DescribeTrainingJob",
        },
        "test_aws_shards": {
            "sagemaker:BatchGetRecord",
            "sagemaker:CreateFeatureGroup",
            "sagemaker:DescribeFeatureGroup",
            "sagemaker:PutRecord",
        },
        "test_secrets": {"secretsmanager:GetSecretValue"},
        "test_tuning_job": {
            "sagemaker:CreateHyperParameterTuningJob",
            "sagemaker:CreateModelPackage",
            "sagemaker:CreateModelPackageGroup",
            "sagemaker:DescribeHyperParameterTuningJob",
            "sagemaker:ListModelPackageGroups",
            "sagemaker:ListTrainingJobsForHyperParameterTuningJob",
        },
        "test_tuning_rehearsal": {"sagemaker:StopTrainingJob"},
        "test_transform": {
            "sagemaker:CreateModel",
            "sagemaker:CreateTransformJob",
            "sagemaker:DeleteModel",
            "sagemaker:DescribeTransformJob",
        },
        # A run that is registered again, or after another one, finds packages: the second is what the first has made.
        "the second run": {"sagemaker:DescribeModelPackage", "sagemaker:ListModelPackages"},
        # The step of a stopped run stops its job, unless who stopped the run did: no test holds to it.
        "whoever is first": {
            "sagemaker:StopHyperParameterTuningJob",
            "sagemaker:StopTransformJob",
        },
    },
    "submitter": {
        "test_portability": {
            "ecr:DescribeImages",
            "logs:DescribeLogStreams",
            "logs:GetLogEvents",
            "s3:DeleteObject",
            "s3:PutObject",
            "sagemaker:CreatePipeline",
            "sagemaker:DescribePipelineExecution",
            "sagemaker:DescribeProcessingJob",
            "sagemaker:DescribeTrainingJob",
            "sagemaker:ListPipelineExecutionSteps",
            "sagemaker:StartPipelineExecution",
        },
        "test_aws_shards": {
            "sagemaker:BatchGetRecord",
            "sagemaker:DescribeFeatureGroup",
            "sagemaker:ListFeatureGroups",
        },
        "test_runs": {
            "sagemaker:ListHyperParameterTuningJobs",
            "sagemaker:ListTrainingJobs",
            "sagemaker:StopPipelineExecution",
            "sagemaker:StopTrainingJob",
        },
        "test_tuning_rehearsal": {"sagemaker:CreateProcessingJob"},
        "test_tuning_job": {
            "sagemaker:DescribeModelPackage",
            "sagemaker:ListModelPackageGroups",
            "sagemaker:ListModelPackages",
            "sagemaker:UpdateModelPackage",
        },
        "test_deploy": {
            "application-autoscaling:DeregisterScalableTarget",
            "application-autoscaling:PutScalingPolicy",
            "application-autoscaling:RegisterScalableTarget",
            "sagemaker:CreateEndpoint",
            "sagemaker:CreateEndpointConfig",
            "sagemaker:CreateModel",
            "sagemaker:CreateTransformJob",
            "sagemaker:DeleteEndpoint",
            "sagemaker:DeleteEndpointConfig",
            "sagemaker:DeleteModel",
            "sagemaker:DescribeEndpoint",
            "sagemaker:DescribeTransformJob",
            "sagemaker:InvokeEndpoint",
        },
        # A run's tuning job is stopped by its step, unless the step is gone; the job that hosts a dynamic pipeline.
        # Tags tell whose jobs still run when a run is stopped: no test holds to them.
        "nobody": {
            "sagemaker:DescribeHyperParameterTuningJob",
            "sagemaker:ListTags",
            "sagemaker:StopHyperParameterTuningJob",
            "sagemaker:StopProcessingJob",
            "sagemaker:StopTransformJob",
        },
        "test_schedules": {
            "sagemaker:DescribePipeline",
            "scheduler:CreateSchedule",
            "scheduler:DeleteSchedule",
            "scheduler:GetSchedule",
            "scheduler:UpdateSchedule",
        },
    },
}
