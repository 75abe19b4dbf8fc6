"""The truth table of the plan, case by case."""

import pytest

from finetune.storage.digest import Digest
from finetune.storage.listing import ListedFile
from finetune.storage.plan import Copy, Decision, compared, decide, plan

SAME, OTHER = Digest("sha256", "a" * 64), Digest("sha256", "b" * 64)
ETAG = Digest("md5", "c" * 32)
FILE = Copy("s3://b/p/x/t", "s3://b/h/x/t", 5, f'"{"c" * 32}" 2026-01-01T00:00:00+00:00', SAME)
KNOWN = {
    "same": (SAME, Decision.SKIP),
    "that of the source's ETag": (ETAG, Decision.SKIP),
    "other": (OTHER, Decision.COPY_HASH),
    "of another kind": (Digest("md5", "d" * 32), Decision.COMPARE),
    "unknown": (None, Decision.COMPARE),
}


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("size", [None, 4, 5])
@pytest.mark.parametrize("known", KNOWN)
def test_every_case_of_the_table(size: int | None, known: str, overwrite: bool) -> None:
    digest, decision = KNOWN[known]
    expected = {
        (None, False): Decision.COPY_ABSENT,
        (None, True): Decision.COPY_ABSENT,
        (4, False): Decision.COPY_SIZE,
        (4, True): Decision.COPY_SIZE,
        (5, True): Decision.COPY_OVERWRITE,
        (5, False): decision,
    }[size, overwrite]
    there = None if size is None else ListedFile("t", size, "", digest)
    assert decide(FILE, there, overwrite) is expected


def test_a_plan_is_a_stream_over_two_listings() -> None:
    more = (FILE._replace(destination=f"s3://b/h/{number}/t") for number in range(10**9))
    planned = plan(more, {"s3://b/h/1/t": ListedFile("t", 5, "", SAME)})
    assert [next(planned)[1].value for _ in range(3)] == ["copy: absent", "skip: same size and hash", "copy: absent"]


def test_a_comparison_ends_in_a_copy_or_not() -> None:
    assert [compared(same).copies for same in (True, False)] == [False, True]
    assert [decision for decision in Decision if not decision.copies] == [Decision.SKIP, Decision.COMPARE]
