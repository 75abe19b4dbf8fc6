"""A listing by several threads finds what one by one thread finds."""

import pytest

from finetune.errors import StorageError
from finetune.storage.objects import Objects
from finetune.storage.parallel_listing import pages_in_parallel
from finetune.storage.uri import S3Uri
from tests.finetune.s3_server import put


def test_a_reader_that_stops_leaves_no_thread_behind(bucket: str) -> None:
    put(bucket, {f"p/{number}/a": b"" for number in range(3)})
    listing = pages_in_parallel(Objects(), S3Uri(bucket, "p"))
    assert next(listing)
    listing.close()


def test_a_bucket_that_is_not_there_is_named(bucket: str) -> None:
    with pytest.raises(StorageError, match=f"list s3://{bucket}-none/p: the bucket does not exist"):
        list(pages_in_parallel(Objects(), S3Uri(f"{bucket}-none", "p")))
