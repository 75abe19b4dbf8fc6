"""A run whose submitter has no AWS credentials, only a ZenML service connector: who signed what on a rehearsal."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from finetune.storage.publish import publish
from rehearsal import Rehearsal
from rehearsal.fixture import skip_where_refused
from stacks.files import FOLDER, load_stack
from stacks.iam.render import render
from tests.e2e.aws import Running, project
from tests.e2e.searching import definitions, files, logs, objects, places_of, tables
from tests.e2e.workbench import REPOSITORY, Workbench, clean_environment
from tests.finetune.s3_server import environment
from tests.rehearsal.zenml.test_pipeline import allows

EXPERIMENT = "EXP-6-connected"
KEYS = {"team": "AKIATEAMTEAMTEAMTEAM", "role": "AKIAROLEROLEROLEROLE", "ended": "ASIAENDEDENDEDENDEDE"}
SECRET = "planted/s3cret+of-the-connector"
REGISTER = """
import json, sys
from datetime import UTC, datetime, timedelta
from zenml.client import Client
keys, role, secret = json.loads(sys.argv[1]), *sys.argv[2:]
def register(name, method, region="us-east-1", kind=None, end=None, **more):
    told = {"region": region, "aws_access_key_id": keys.get(name, "AKIAOTHER"), "aws_secret_access_key": secret}
    expires = {"expires_at": end} if end else {"expiration_seconds": 900} if method == "iam-role" else {}
    Client().create_service_connector(
        name, "aws", resource_type=kind, auth_method=method, configuration=told | more, verify=False, **expires
    )
register("team", "session-token")
register("role", "iam-role", role_arn=role)
register("ended", "sts-token", aws_session_token="x", end=datetime.now(UTC) - timedelta(hours=1))
register("elsewhere", "secret-key", region="eu-west-1")
register("narrow", "secret-key", kind="aws-generic")
"""


@dataclass(frozen=True)
class Said:
    """A command's exit code and what it printed."""

    code: int
    text: str


@dataclass
class Team:
    """A checkout with a stack file for each connector, and a machine without credentials."""

    up: Rehearsal
    bench: Workbench
    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        told = clean_environment(self.folder / "zenml") | self.up.environment
        kept = {name: value for name, value in told.items() if not name.startswith("AWS_") or "KEY" not in name}
        nowhere = {"AWS_SHARED_CREDENTIALS_FILE": "/none", "AWS_CONFIG_FILE": "/none"}
        return kept | nowhere | {"PYTHONPATH": f"{self.bench.project}{os.pathsep}{REPOSITORY}"}

    def stack(self, name: str, connector: str) -> None:
        """Writes a stack file that names a connector."""
        text = (FOLDER / "rehearsal.yaml").read_text(encoding="utf-8")
        named = text.replace("  tags:", f"  connector: {connector}\n  tags:")
        (self.folder / "stacks" / f"{name}.yaml").write_text(named, encoding="utf-8")

    def python(self, *arguments: str, **more: str) -> str:
        ran = subprocess.run(
            [sys.executable, *arguments], cwd=self.folder, env=self.environment | more, capture_output=True, text=True
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr
        return ran.stdout

    def commands(self, *commands: str) -> list[Said]:
        """Commands of run.py in one process; words are separated by |."""
        told = [json.loads(line) for line in self.python("commands.py", *commands, STACK="team").splitlines()]
        return [Said(each["code"], each["out"] + each["err"]) for each in told]

    def start(self) -> Running:
        command = [sys.executable, "run.py", "--config", str(self.bench.config_file), "--stack", "team"]
        pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        return Running(subprocess.Popen(command, cwd=self.folder, env=self.environment, **pipes))

    def calls(self) -> Counter[tuple[str, str, str]]:
        """What clients have asked for, how often: access key, action, resource."""
        names = ("key", "action", "resource")
        clients = (call for call in self.up.calls() if call["role"] == "client")
        return Counter({tuple(call[name] for name in names): call["times"] for call in clients})

    def record(self) -> dict[str, Any]:
        key = f"outputs/{EXPERIMENT}/runs/1/run.json"
        found: dict[str, Any] = json.loads(self.up.client("s3").get_object(Bucket="rehearsal", Key=key)["Body"].read())
        return found


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    skip_where_refused()
    folder = tmp_path_factory.mktemp("connected")
    bench = Workbench.make(folder, folder / "zenml", EXPERIMENT)
    checkout = folder / "checkout"
    shutil.copytree(FOLDER, checkout / "stacks")
    for file in ("run.py", "tests/cli/aws/project/commands.py"):
        shutil.copy(REPOSITORY / file, checkout)
    with Rehearsal(folder / "rehearsal", project(bench)) as up:
        with environment(**up.environment):
            publish(bench.production, "s3://rehearsal/production/tiny")
        found = Team(up, bench, checkout)
        found.python("-c", REGISTER, json.dumps(KEYS), up.settings.role_arn, SECRET)
        for name in ("team", "role", "ended", "elsewhere", "narrow"):
            found.stack(name, name)
        found.stack("none", "nobody")
        yield found


def test_a_connector_that_is_not_there_or_does_not_fit_is_refused_with_the_command_that_makes_one(team: Team) -> None:
    said = team.commands("stack|apply|none", "stack|apply|elsewhere", "stack|apply|narrow", "stack|check|none")
    faults = [
        "must be a service connector of ZenML (elsewhere, ended, narrow, role, team), but got 'nobody'",
        "elsewhere must be in us-east-1, as the jobs are, but is in eu-west-1",
        "narrow must be for every resource type, but lacks docker-registry, s3-bucket",
    ]
    assert [each.code for each in said] == [2, 2, 2, 1], said
    for each, fault in zip(said, [*faults, faults[0]], strict=True):
        assert f"values.connector: {fault}; make one with `zenml service-connector register" in each.text
    assert "\nmissing  credentials: values.connector" in said[-1].text


def test_everything_of_a_run_is_signed_by_the_connector(team: Team) -> None:
    before = team.calls()
    checked, applied = team.commands("stack|check|team", "stack|apply|team")
    assert (checked.code, applied.code) == (0, 0), (checked, applied)
    running = team.start()
    running.until("snapshot: completed")
    running.process.send_signal(signal.SIGINT)
    assert running.end() == 0 and "the run goes on" in running.said, running.said
    assert team.record()["status"] == "running"
    run = f"{EXPERIMENT}/1"
    check = f"--config|{team.bench.config_file}|--check"
    said = team.commands(check, f"status|{run}", f"logs|{run}|--step|snapshot", f"stop|{run}")
    assert [each.code for each in said] == [0, 0, 0, 0], said
    stopped = said[-1]
    assert "its outcome is written into s3://rehearsal/outputs" in stopped.text, stopped
    assert team.record()["status"] == "stopped"

    asked = team.calls() - before
    assert {action for key, action, _ in asked if key == KEYS["team"]} == {"sts:GetSessionToken"}
    temporary = {key for key, *_ in asked} - {KEYS["team"]}
    assert len(temporary) == 1 and "rehearsal" not in temporary, "the key of the environment has signed nothing"
    values = load_stack("rehearsal").values
    assert values is not None
    allowed = render("submitter", values)["Statement"]
    asked = Counter({call: times for call, times in asked.items() if call[0] in temporary})
    assert [call for call in asked if not allows(allowed, *call[1:])] == []
    actions = {action for _, action, _ in asked}
    assert {"s3:PutObject", "ecr:DescribeImages", "iam:GetRole", "logs:GetLogEvents"} <= actions
    assert {"sagemaker:StartPipelineExecution", "sagemaker:StopPipelineExecution"} <= actions


def test_the_connectors_secret_lies_nowhere_after_the_run(team: Team) -> None:
    places = [each for source in (definitions, logs, objects, tables, files) for each in source(team.up)]
    assert places_of(places, EXPERIMENT), "the search finds nothing at all"
    assert places_of(places, SECRET) == []


ASK = """
from cli.environment import quiet_defaults
quiet_defaults()
from cli.activate import sign_in
from finetune.errors import FinetuneError
from finetune.storage.client import s3_client
from stacks.files import load_stack
for name in ("role", "ended"):
    sign_in(load_stack(name))
    try:
        for _ in range(3):
            s3_client().list_objects_v2(Bucket="rehearsal", Prefix="none")
    except FinetuneError as error:
        print(error)
"""


def test_temporary_credentials_are_renewed_before_they_end_and_what_has_ended_is_named(team: Team) -> None:
    before = team.calls()
    said = team.python("-c", ASK).strip()
    signers = {key for key, action, _ in team.calls() - before if action == "s3:ListBucket"}
    assert len(signers) > 1, "of a quarter of an hour, the shortest that AWS gives, botocore waits for nothing"
    assert said.startswith("the service connector ended gives no credentials: ") and "expired" in said
    assert said.endswith("mend it with `zenml service-connector update`")
