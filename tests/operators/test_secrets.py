"""Secrets of AWS Secrets Manager, read from a real (local) server."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.request import Request, urlopen

import boto3
import pytest

from finetune.errors import ConfigError, FinetuneError, UnreachableError
from finetune.storage.session import use_session, usual_session
from operators.secrets import read_aws, secret_readers
from tests.finetune.s3_server import account_of, environment, free_port, s3_server

VALUE = "p@ss/w0rd %"
KEYS = {"password": VALUE, "port": 5432, "hosts": ["a"]}


@pytest.fixture(scope="module", autouse=True)
def server() -> Iterator[None]:
    with s3_server() as address, environment(**account_of(address)):
        client = boto3.session.Session().client("secretsmanager")
        client.create_secret(Name="prod/my.labels", SecretString=json.dumps(KEYS))
        client.create_secret(Name="prod/plain", SecretString=VALUE)
        client.create_secret(Name="prod/bytes", SecretBinary=b"sesame")
        yield


def test_a_key_of_a_json_secret_and_the_whole_of_a_text_are_read() -> None:
    read = secret_readers()["aws"]
    assert read("prod/my.labels", "password") == VALUE
    assert read("prod/my.labels", "port") == "5432"
    assert read("prod/plain", None) == VALUE


@pytest.mark.parametrize(
    ("name", "key", "words"),
    [
        ("prod/none", "a", "has no secret prod/none in us-east-1 .*create it with `aws secretsmanager create-secret"),
        ("prod/my.labels", "user", "prod/my.labels has no key user; its keys are hosts, password, port"),
        ("prod/my.labels", "hosts", "the key hosts .* must be a text or a number, but it is a list"),
        ("prod/plain", "password", r"is no JSON object, so it has no key password; write \$\{aws:prod/plain\}"),
        ("prod/bytes", None, "is binary, but must be text"),
    ],
)
def test_what_cannot_be_used_is_named_without_its_value(name: str, key: str | None, words: str) -> None:
    with pytest.raises(ConfigError, match=words) as caught:
        read_aws(name, key, None)
    assert VALUE not in str(caught.value) and caught.value.__cause__ is None


def test_a_region_is_asked_for_its_own_secrets() -> None:
    with pytest.raises(ConfigError, match="no secret prod/plain in eu-west-1"):
        secret_readers("eu-west-1")["aws"]("prod/plain", None)


def test_the_session_that_the_command_line_names_is_asked() -> None:
    use_session(lambda: boto3.session.Session(region_name="ap-south-1"))
    with pytest.raises(ConfigError, match="no secret prod/plain in ap-south-1"):
        read_aws("prod/plain", None, None)
    use_session(usual_session)


def test_a_job_which_is_told_its_region_by_aws_region_alone_asks_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    assert secret_readers()["aws"]("prod/plain", None) == VALUE


def test_a_caller_who_may_not_read_it_is_told_what_it_takes() -> None:
    client = boto3.session.Session().client("iam")
    client.create_user(UserName="reader")
    key = client.create_access_key(UserName="reader")["AccessKey"]
    mine = {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}
    with policies_are_enforced(), environment(**mine):
        error = refused()
        assert isinstance(error, UnreachableError)
        assert "does not let you read the secret prod/plain in us-east-1" in str(error)


@contextmanager
def policies_are_enforced() -> Iterator[None]:
    """moto asks policies from the first call on, and then no more."""
    address, text = f"{os.environ['AWS_ENDPOINT_URL']}/moto-api/reset-auth", {"Content-Type": "text/plain"}
    urlopen(Request(address, b"0", text)).close()
    yield
    urlopen(Request(address, b"inf", text)).close()


def refused() -> FinetuneError:
    with pytest.raises(FinetuneError) as caught:
        read_aws("prod/plain", None, None)
    return caught.value


def test_without_credentials_region_or_network_the_secret_is_out_of_reach(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.delenv("AWS_ACCESS_KEY_ID")
        patch.delenv("AWS_SECRET_ACCESS_KEY")
        assert isinstance(refused(), UnreachableError) and "Unable to locate credentials; sign in" in str(refused())
    with monkeypatch.context() as patch:
        patch.delenv("AWS_DEFAULT_REGION")
        patch.delenv("AWS_REGION", raising=False)
        assert isinstance(refused(), UnreachableError) and "set AWS_REGION" in str(refused())
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_port()}")
    error = refused()
    assert isinstance(error, UnreachableError) and "VPC endpoint" in str(error)
