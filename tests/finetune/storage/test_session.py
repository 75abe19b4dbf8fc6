"""Who signs: the client follows the session that the process was told to use."""

from collections.abc import Iterator

import boto3
import pytest

from finetune.storage.client import s3_client
from finetune.storage.session import use_session, usual_session
from tests.finetune.s3_server import account_of, environment


@pytest.fixture(autouse=True)
def account() -> Iterator[None]:
    with environment(**account_of("http://127.0.0.1:9")):
        yield
    use_session(usual_session)


def signer() -> str:
    """The access key in an address that the client has signed."""
    address = s3_client().generate_presigned_url("get_object", Params={"Bucket": "b", "Key": "k"})
    return str(address).partition("AWSAccessKeyId=")[2].partition("&")[0] or address


def other() -> object:
    return boto3.session.Session(aws_access_key_id="AKIAOTHER", aws_secret_access_key="other")


def test_the_usual_chain_signs_until_the_command_line_names_another_session() -> None:
    first = s3_client()
    assert signer() == "test"
    use_session(other)
    assert signer() == "AKIAOTHER" and s3_client() is not first


def test_one_client_serves_as_long_as_the_session_is_the_same() -> None:
    use_session(other)
    assert s3_client() is s3_client()
