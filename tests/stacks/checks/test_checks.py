"""Each finding of `stack check`, answered by a rehearsal."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import boto3
import pytest

from rehearsal import Rehearsal
from stacks.checks.finding import Finding
from stacks.checks.identity import check_credentials, check_region, check_role
from stacks.checks.order import check
from stacks.checks.places import check_bucket, check_image
from stacks.checks.quotas import check_quotas
from stacks.checks.server import is_of_this_machine
from stacks.files import load_stack
from stacks.values import Values

pytest_plugins = ["rehearsal.fixture"]


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
    found = [look(session, given) for look in (check_region, check_credentials, check_role, check_bucket, check_image)]
    found += check_quotas(session, given, "ml.t3.medium", ["ml.g5.xlarge"])
    assert [each for each in found if not each.good] == [] and len(found) == 7
    assert str(found[-1]) == "ok       quota: ml.g5.xlarge for training job usage: 20"


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


def test_a_role_that_does_not_exist_is_told(session: boto3.Session) -> None:
    none = values(role="arn:aws:iam::123456789012:role/nobody")
    missing(check_role(session, none), "role: there is no role nobody", "aws iam create-role --role-name nobody")


def test_a_role_that_sagemaker_cannot_assume_is_told(session: boto3.Session) -> None:
    trust = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    arn = session.client("iam").create_role(RoleName="for-ec2", AssumeRolePolicyDocument=policy)["Role"]["Arn"]
    missing(
        check_role(session, values(role=arn)),
        "does not let sagemaker.amazonaws.com assume it",
        "python -m stacks.iam trust",
    )


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
    processing, zero, unknown = check_quotas(session, values(), "ml.t3.medium", ["ml.g5.xlarge", "ml.g55.xlarge"])
    assert processing.good
    missing(zero, "quota: ml.g5.xlarge for training job usage is 0", "servicequotas")
    missing(unknown, "no quota 'ml.g55.xlarge for training job usage' in us-east-1")


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
