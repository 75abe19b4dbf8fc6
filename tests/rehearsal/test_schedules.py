"""A schedule of EventBridge on a rehearsal: its role is checked, and it fires on request. No job runs here."""

import json
import uuid
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from rehearsal import Rehearsal
from rehearsal.errors import RehearsalError
from rehearsal.settings import ACCOUNT
from tests.rehearsal.test_cli import told

ROLE = f"arn:aws:iam::{ACCOUNT}:role/rehearsal-scheduler"
SAID = {"Get": "Parameters.word"}
DEFINITION = {
    "Version": "2020-12-01",
    "Parameters": [{"Name": "word", "Type": "String", "DefaultValue": "by default"}],
    "Steps": [{"Name": "end", "Type": "Fail", "Arguments": {"ErrorMessage": SAID}}],
}


@pytest.fixture
def pipeline(rehearsal: Rehearsal) -> str:
    """A pipeline that fails with the words that its parameter gives; its ARN."""
    name = f"says-{uuid.uuid4().hex[:8]}"
    made = rehearsal.client("sagemaker").create_pipeline(
        PipelineName=name,
        RoleArn=rehearsal.settings.role_arn,
        ClientRequestToken=uuid.uuid4().hex,
        PipelineDefinition=json.dumps(DEFINITION),
    )
    return str(made["PipelineArn"])


def scheduled(up: Rehearsal, pipeline: str, role: str = ROLE, **members: Any) -> str:
    name = f"daily-{uuid.uuid4().hex[:8]}"
    parameters = [{"Name": "word", "Value": "by the schedule"}]
    up.client("scheduler").create_schedule(
        Name=name,
        ScheduleExpression="cron(0 6 ? * MON-FRI *)",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={
            "Arn": pipeline,
            "RoleArn": role,
            "SageMakerPipelineParameters": {"PipelineParameterList": parameters},
        },
        **members,
    )
    return name


def test_it_starts_its_pipeline_with_its_parameters_as_its_role(rehearsal: Rehearsal, pipeline: str) -> None:
    fired = told(rehearsal.folder, "fire", scheduled(rehearsal, pipeline))
    assert fired.returncode == 0, fired.stderr
    arn = fired.stdout.split()[-1]
    assert arn.startswith(f"{pipeline}/execution/")
    given = rehearsal.client("sagemaker").list_pipeline_parameters_for_execution(PipelineExecutionArn=arn)
    assert given["PipelineParameters"] == [{"Name": "word", "Value": "by the schedule"}]
    seen = [(call["action"], call["role"]) for call in rehearsal.calls() if call["role"] == ROLE]
    assert seen == [("sagemaker:StartPipelineExecution", ROLE)]


def test_each_firing_is_an_execution_of_its_own(rehearsal: Rehearsal, pipeline: str) -> None:
    name = scheduled(rehearsal, pipeline)
    assert rehearsal.fire(name) != rehearsal.fire(name)


@pytest.mark.parametrize("role", ["rehearsal-execution", "nobody"])
def test_a_role_that_eventbridge_cannot_assume_is_refused(rehearsal: Rehearsal, pipeline: str, role: str) -> None:
    before = len(rehearsal.client("scheduler").list_schedules()["Schedules"])
    with pytest.raises(ClientError, match="must allow AWS EventBridge Scheduler to assume the role"):
        scheduled(rehearsal, pipeline, f"arn:aws:iam::{ACCOUNT}:role/{role}")
    assert len(rehearsal.client("scheduler").list_schedules()["Schedules"]) == before


def test_one_that_is_disabled_unknown_or_has_lost_its_pipeline_does_not_fire(
    rehearsal: Rehearsal, pipeline: str, tmp_path: Path
) -> None:
    disabled = scheduled(rehearsal, pipeline, State="DISABLED")
    with pytest.raises(RehearsalError, match=f"schedule {disabled} is DISABLED"):
        rehearsal.fire(disabled)
    unknown = told(rehearsal.folder, "fire", "no-such-schedule")
    assert unknown.returncode == 1 and "no-such-schedule" in unknown.stderr
    orphan = scheduled(rehearsal, pipeline)
    rehearsal.client("sagemaker").delete_pipeline(
        PipelineName=pipeline.rpartition("/")[2], ClientRequestToken=uuid.uuid4().hex
    )
    with pytest.raises(RehearsalError, match="does not exist"):
        rehearsal.fire(orphan)
