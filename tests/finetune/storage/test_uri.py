from pathlib import Path

import pytest

from finetune.errors import StorageError
from finetune.storage.retry import LONGEST_DELAY, delay
from finetune.storage.uri import S3Uri, is_s3, join, to_place


def test_an_address_is_taken_apart_and_put_together() -> None:
    uri = S3Uri.parse("s3://bucket/a/b/")
    assert (uri.bucket, uri.key, uri.name, uri.prefix) == ("bucket", "a/b", "b", "a/b/")
    assert str(uri / "c") == "s3://bucket/a/b/c"
    assert str(S3Uri.parse("s3://bucket") / "c") == "s3://bucket/c"
    assert S3Uri.parse("s3://bucket/").prefix == ""
    assert join("s3://bucket/a/", "b", "c") == "s3://bucket/a/b/c"
    assert join("/a/", "b") == "/a/b"


def test_a_place_is_local_or_in_s3() -> None:
    assert to_place("s3://b/k") == S3Uri("b", "k")
    assert to_place("outputs") == Path("outputs").absolute()
    assert is_s3("s3://b")
    assert not is_s3("/s3://b")
    assert not is_s3(Path("s3://b"))


@pytest.mark.parametrize("text", ["s3://", "s3:///key"])
def test_an_address_without_a_bucket_is_refused(text: str) -> None:
    with pytest.raises(StorageError, match="must be s3://<bucket>/<key>"):
        to_place(text)


@pytest.mark.parametrize(
    ("other", "holds"),
    [("s3://b/a", True), ("s3://b/a/x", True), ("s3://b/ab", False), ("s3://c/a", False), ("s3://b", False)],
)
def test_a_place_holds_what_lies_below_it(other: str, holds: bool) -> None:
    assert S3Uri.parse("s3://b/a").holds(S3Uri.parse(other)) is holds


def test_a_bucket_holds_all_that_is_in_it() -> None:
    assert S3Uri.parse("s3://b").holds(S3Uri.parse("s3://b/a"))


def test_waits_grow_to_a_limit() -> None:
    waits = [delay(attempt) for attempt in range(1, 20)]
    assert waits == sorted(waits)
    assert waits[-1] == LONGEST_DELAY
