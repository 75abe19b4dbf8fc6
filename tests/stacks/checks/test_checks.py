"""Each finding of `stack check`, answered by a rehearsal."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import pytest

from rehearsal import Rehearsal
from stacks.checks.finding import Finding
from stacks.checks.identity import JOBS, SCHEDULES, Role, check_credentials, check_region, check_role
from stacks.checks.order import check
from stacks.checks.places import check_bucket, check_image
from stacks.checks.quotas import check_quotas
from stacks.checks.server import is_of_this_machine
from stacks.files import load_stack
from stacks.values import Values
from tests.finetune.s3_server import free_port

pytest_plugins = ["rehearsal.fixture"]

ROOT = Path(__file__).resolve().parents[3]
AWS = Path(sys.executable).with_name("aws")
AWS_CLI = pytest.mark.skipif(not AWS.exists(), reason="the AWS CLI is not installed beside this interpreter")


@pytest.fixture
def session(rehearsal: Rehearsal, monkeypatch: pytest.MonkeyPatch) -> Iterator[boto3.Session]:
    for name, value in rehearsal.environment.items():
        monkeypatch.setenv(name, value)
    yield boto3.Session(region_name="us-east-1")
    rehearsal.limit(quotas={}, foreign_buckets=[], expired_token=False)


def values(**changes: Any) -> Values:
    given = load_stack("rehearsal").values
    assert given is not None
    return given.model_copy(update=changes)


def missing(found: Finding, *words: str) -> None:
    assert not found.good and found.mend
    for word in words:
        assert word in str(found)


def test_a_whole_account_is_good(session: boto3.Session) -> None:
    given = values()
    found = [look(session, given) for look in (check_region, check_credentials, check_bucket, check_image)]
    found += [look_at_role(session, given.role), look_at_role(session, str(given.scheduler_role), SCHEDULES)]
    found += check_quotas(session, given, "ml.t3.medium", ["ml.g5.xlarge"])
    *needed, of_warm_pools = found
    assert [each for each in needed if not each.good] == [] and len(needed) == 9
    assert str(needed[-2]) == "ok       quota: ml.g5.xlarge for training job usage: 20"
    assert not of_warm_pools.missing


def test_no_credentials_are_told_and_nothing_else_is_asked(session: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    found = list(check(load_stack("rehearsal")))
    missing(found[1], "credentials: AWS's usual chain has none (Unable to locate credentials)", "aws configure sso")
    assert [each.subject for each in found] == ["region", "credentials", "ZenML server", "the rest"]


def test_expired_credentials_are_told(session: boto3.Session, rehearsal: Rehearsal) -> None:
    rehearsal.limit(expired_token=True)
    missing(check_credentials(session, values()), "credentials: they have expired", "aws sso login")


def test_credentials_of_another_account_are_told(session: boto3.Session) -> None:
    other = values(role="arn:aws:iam::999999999999:role/finetune")
    missing(check_credentials(session, other), "but the role is of account 999999999999", "export AWS_PROFILE=")


def test_a_region_that_does_not_exist_is_told_before_anything_is_asked(session: boto3.Session) -> None:
    stack = load_stack("rehearsal")
    found = list(check(replace(stack, values=values(region="eu-west-9"))))
    assert len(found) == 1
    missing(found[0], "region: SageMaker has no region eu-west-9", "eu-west-1")


def look_at_role(session: boto3.Session, arn: str, role: Role = JOBS) -> Finding:
    return check_role(session, load_stack("rehearsal"), arn, role)


def mend(found: Finding) -> None:
    """Runs the command that a finding prints, as a user does."""
    path = f"{AWS.parent}:{os.environ['PATH']}"
    ran = subprocess.run(found.mend, shell=True, cwd=ROOT, env=os.environ | {"PATH": path}, capture_output=True)
    assert ran.returncode == 0, ran.stderr.decode()


@AWS_CLI
@pytest.mark.parametrize("role", [JOBS, SCHEDULES], ids=["jobs", "schedules"])
def test_a_role_that_does_not_exist_is_told_and_mended_by_the_printed_command(
    session: boto3.Session, role: Role
) -> None:
    name = f"nobody-{role.trust}"
    arn = f"arn:aws:iam::123456789012:role/{name}"
    found = look_at_role(session, arn, role)
    missing(found, f"{role.subject}: there is no role {name}", f"aws iam create-role --role-name {name}")
    mend(found)
    assert look_at_role(session, arn, role).good
    assert session.client("iam").list_role_policies(RoleName=name)["PolicyNames"] == ["finetune"]


@AWS_CLI
@pytest.mark.parametrize("role", [JOBS, SCHEDULES], ids=["jobs", "schedules"])
def test_a_role_that_its_service_cannot_assume_is_told_and_mended_by_the_printed_command(
    session: boto3.Session, role: Role
) -> None:
    trust = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    made = session.client("iam").create_role(RoleName=f"for-ec2-{role.trust}", AssumeRolePolicyDocument=policy)
    found = look_at_role(session, made["Role"]["Arn"], role)
    missing(found, f"does not let {role.service} assume it", f"python -m stacks.iam {role.trust} rehearsal")
    mend(found)
    assert look_at_role(session, made["Role"]["Arn"], role).good


def test_a_bucket_that_does_not_exist_is_told(session: boto3.Session) -> None:
    missing(
        check_bucket(session, values(bucket="not-there")), "there is no bucket not-there", "aws s3 mb s3://not-there"
    )


def test_a_bucket_of_another_account_is_told(session: boto3.Session, rehearsal: Rehearsal) -> None:
    rehearsal.limit(foreign_buckets=["rehearsal"])
    missing(check_bucket(session, values()), "rehearsal is a bucket of another account", "FINETUNE_BUCKET")


def test_a_bucket_of_another_region_is_told(session: boto3.Session) -> None:
    place = {"LocationConstraint": "eu-west-1"}
    session.client("s3").create_bucket(Bucket="in-ireland", CreateBucketConfiguration=place)
    missing(check_bucket(session, values(bucket="in-ireland")), "in-ireland is in eu-west-1", "AWS_REGION=eu-west-1")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("finetune:gone", ("finetune has no image gone", "python docker/image.py push --repository")),
        ("finetune@sha256:" + "0" * 64, ("finetune has no image sha256:000", "python docker/image.py push")),
        ("other:rehearsal", ("there is no repository other", "aws ecr create-repository --repository-name other")),
    ],
)
def test_a_missing_image_or_repository_is_told(session: boto3.Session, name: str, words: tuple[str, ...]) -> None:
    missing(check_image(session, values(image=f"123456789012.dkr.ecr.us-east-1.amazonaws.com/{name}")), *words)


def test_a_quota_of_zero_and_an_unknown_instance_are_told(session: boto3.Session, rehearsal: Rehearsal) -> None:
    rehearsal.limit(quotas={"ml.g5.xlarge for training job usage": 0})
    found = check_quotas(session, values(), "ml.t3.medium", ["ml.g5.xlarge", "ml.g55.xlarge"])
    processing, zero, spot, _, unknown = found
    assert processing.good and spot.good
    missing(zero, "quota: ml.g5.xlarge for training job usage is 0", "servicequotas")
    missing(unknown, "no quota 'ml.g55.xlarge for training job usage' in us-east-1")


def test_a_quota_of_zero_that_only_spot_or_a_warm_pool_needs_is_told_and_no_error(
    session: boto3.Session, rehearsal: Rehearsal
) -> None:
    rehearsal.limit(quotas={"ml.g5.xlarge for spot training job usage": 0})
    _, training, *optional = check_quotas(session, values(), "ml.t3.medium", ["ml.g5.xlarge"])
    told = [str(each).splitlines()[0] for each in optional]
    assert training.good and not any(each.missing for each in optional)
    assert told == [
        f"without  quota: ml.g5.xlarge for {usage} usage is 0, and only {key} in compute needs more"
        for usage, key in (("spot training job", "spot"), ("training warm pool", "warm_pool_minutes"))
    ]
    assert all("servicequotas" in each.mend for each in optional)


def client(tmp_path: Path, *command: str, **more: str) -> "subprocess.CompletedProcess[str]":
    """Runs Python as a client whose ZenML is the test's own."""
    environment = os.environ | {"ZENML_CONFIG_PATH": str(tmp_path), "ZENML_ANALYTICS_OPT_IN": "false"} | more
    return subprocess.run([sys.executable, *command], cwd=ROOT, env=environment, capture_output=True, text=True)


def test_all_that_is_missing_is_told_at_once_in_order_and_the_exit_code_is_1(
    session: boto3.Session, rehearsal: Rehearsal, tmp_path: Path
) -> None:
    rehearsal.limit(quotas={"ml.g5.xlarge for training job usage": 0})
    account = {
        "FINETUNE_ROLE": "arn:aws:iam::123456789012:role/not-made",
        "FINETUNE_BUCKET": "not-made",
        "FINETUNE_IMAGE": "123456789012.dkr.ecr.us-east-1.amazonaws.com/not-made:1",
        "AWS_REGION": "us-east-1",
    }
    words = ("run.py", "stack", "check", "sagemaker", "--instance", "ml.g5.xlarge")
    ran = client(tmp_path, *words, **account)
    lines = ran.stdout.splitlines()
    found = [line[:7].strip() + " " + line[9:].partition(":")[0] for line in lines if not line.startswith("    ")]
    assert (ran.returncode, found) == (
        1,
        [
            "ok region",
            "ok credentials",
            "missing ZenML server",
            "missing role",
            "missing bucket",
            "missing ECR repository",
            "ok quota",
            "missing quota",
            "ok quota",
            "without quota",
        ],
    ), ran.stderr
    assert "ZenML uses a database of this machine (sqlite:" in lines[2]
    assert sum(line.startswith("         mend it with: ") for line in lines) == 6


def test_a_server_that_does_not_answer_is_told(session: boto3.Session, tmp_path: Path) -> None:
    address = f"http://127.0.0.1:{free_port()}"
    code = "from stacks.checks.server import check_server; print(check_server())"
    told = client(tmp_path, "-c", code, ZENML_STORE_URL=address, ZENML_STORE_API_KEY="x").stdout.splitlines()
    assert told[-2].startswith(f"missing  ZenML server: {address} does not answer (")
    assert told[-1].startswith("         mend it with: zenml login")


def test_a_stack_of_this_machine_needs_nothing() -> None:
    assert [each.good for each in check(load_stack("local"))] == [True]


@pytest.mark.parametrize(
    ("url", "here"),
    [
        ("http://127.0.0.1:8237", True),
        ("http://localhost:8237", True),
        ("http://[::1]:80", True),
        ("http://0.0.0.0:80", True),
        ("http://10.0.3.4:80", False),
        ("https://zenml.example.com", False),
    ],
)
def test_an_address_of_this_machine_is_known(url: str, here: bool) -> None:
    assert is_of_this_machine(url) == here
