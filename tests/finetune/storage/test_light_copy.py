"""CopyObject by hand: against SeaweedFS, which checks signatures, and a server that breaks off as S3 rarely does."""

import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import boto3
import pytest
from botocore.exceptions import ClientError, HTTPClientError

from benchmarks.object_store import account, binary, seaweedfs
from finetune.storage import light_copy
from finetune.storage.digest import Digest
from finetune.storage.light_copy import copy_object, serves
from finetune.storage.options import variables
from finetune.storage.retry import is_transient
from finetune.storage.uri import S3Uri
from tests.finetune.s3_server import account_of, environment, put

KEYS = ("a", "a b", "é/ü", "a%2Fb+&=", "x~y", "'(!)*", "a:b@c,d;e", "k" * 200)
TOLD = "<CopyObjectResult><ETag>&quot;900150983cd24fb0d6963f7d28e17f72&quot;</ETag></CopyObjectResult>"
RESET = "reset"


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    try:
        binary("weed")
    except FileNotFoundError as error:
        pytest.skip(str(error))
    with tempfile.TemporaryDirectory() as folder, seaweedfs(Path(folder)) as address, environment(**account(address)):
        boto3.client("s3").create_bucket(Bucket="light")
        put("light", {f"from/{key}": key.encode() for key in KEYS})
        yield "light"


def copied(bucket: str, key: str, etag: str = "", to: str = "to") -> str:
    answer = copy_object(S3Uri(bucket, f"from/{key}"), S3Uri(bucket, f"{to}/{key}"), {"md5": "1"}, etag)
    return str(answer["CopyObjectResult"]["ETag"])


@pytest.mark.parametrize("key", KEYS)
def test_a_copy_has_the_content_and_its_md5_and_metadata_are_told(bucket: str, key: str) -> None:
    told = copied(bucket, key)
    found = boto3.client("s3").get_object(Bucket=bucket, Key=f"to/{key}")
    assert found["Body"].read() == key.encode() and found["Metadata"] == {"md5": "1"}
    assert Digest.of_etag(told) == Digest.of_bytes(key.encode(), "md5")


@pytest.mark.parametrize(
    ("key", "etag", "code"), [("absent", "", "NoSuchKey"), ("a", f'"{"0" * 32}"', "PreconditionFailed")]
)
def test_what_is_gone_or_changed_is_refused(bucket: str, key: str, etag: str, code: str) -> None:
    with pytest.raises(ClientError) as refused:
        copied(bucket, key, etag, "refused")
    assert refused.value.response["Error"]["Code"] == code
    assert "Contents" not in boto3.client("s3").list_objects_v2(Bucket=bucket, Prefix="refused/")


def test_tags_are_not_copied(bucket: str) -> None:
    client, tag = boto3.client("s3"), {"Key": "team", "Value": "x"}
    client.put_object_tagging(Bucket=bucket, Key="from/a", Tagging={"TagSet": [tag]})
    copied(bucket, "a", to="untagged")
    assert client.get_object_tagging(Bucket=bucket, Key="from/a")["TagSet"] == [tag]
    assert client.get_object_tagging(Bucket=bucket, Key="untagged/a")["TagSet"] == []


def test_a_wrong_secret_is_refused(bucket: str) -> None:
    with environment(AWS_SECRET_ACCESS_KEY="another"), pytest.raises(ClientError, match="SignatureDoesNotMatch"):
        copied(bucket, "a")


@contextmanager
def answering(*answers: list[str]) -> Iterator[list[int]]:
    """A server that gives each connection its list of answers and closes it; counts the connections.

    RESET as an answer leaves the request unread, so that closing resets the connection.
    """
    seen: list[int] = []
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        for given in answers:
            connection, _ = listening.accept()
            seen.append(len(given))
            with connection:
                for answer in given:
                    if answer == RESET:
                        connection.recv(1, socket.MSG_PEEK)
                        break
                    while b"\r\n\r\n" not in connection.recv(65536):
                        pass
                    connection.sendall(answer.encode())

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    with environment(**account_of(f"http://127.0.0.1:{listening.getsockname()[1]}")):
        yield seen
    listening.close()


def whole(body: str, status: str = "200 OK", length: int | None = None) -> str:
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body) if length is None else length}\r\n\r\n{body}"


@pytest.mark.parametrize("first", [[whole(TOLD)], [whole(TOLD), ""], [whole(TOLD), RESET]])
def test_a_connection_that_ends_before_the_next_answer_is_opened_anew_and_nothing_is_tried_again(
    first: list[str],
) -> None:
    with answering(first, [whole(TOLD)]) as connections:
        assert [copied("b", "k"), copied("b", "k")] == ['"900150983cd24fb0d6963f7d28e17f72"'] * 2
        assert connections == [len(first), 1]


@pytest.mark.parametrize("answer", [whole(TOLD, length=500), "HTTP/1.1 2", "", RESET])
def test_an_answer_that_breaks_off_is_one_that_may_succeed_a_moment_later(answer: str) -> None:
    with answering([answer]), pytest.raises(HTTPClientError) as failed:
        copied("b", "k")
    assert is_transient(failed.value)


@pytest.mark.parametrize(
    ("answer", "code", "transient"),
    [
        (whole("<Error><Code>SlowDown</Code><Message>a &amp; b</Message></Error>", "503 Slow Down"), "SlowDown", True),
        (whole("   \n<Error><Code>InternalError</Code></Error>"), "InternalError", True),
        (whole(""), "InternalError", True),
        (whole("", "403 Forbidden"), "403", False),
        (whole("<html>", "502 Bad Gateway"), "502", True),
    ],
)
def test_a_refusal_is_told_also_where_the_status_says_that_all_is_well(answer: str, code: str, transient: bool) -> None:
    with answering([answer]), pytest.raises(ClientError) as refused:
        copied("b", "k")
    assert refused.value.response["Error"]["Code"] == code and is_transient(refused.value) is transient


def test_it_is_not_the_way_through_a_proxy_or_with_a_key_of_kms(monkeypatch: pytest.MonkeyPatch) -> None:
    with environment(**account_of("http://s3.example:9")):
        assert serves()
        with environment(**variables(None, "alias/team", False)):
            assert not serves()
        light_copy._is_direct.cache_clear()
        monkeypatch.setenv("http_proxy", "http://proxy:3128")
        assert not serves()
        light_copy._is_direct.cache_clear()
        monkeypatch.setenv("no_proxy", "s3.example")
        assert serves()
        light_copy._is_direct.cache_clear()
