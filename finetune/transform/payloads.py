"""Records into requests, and answers back into records, as a batch transform has them. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TypeVar

from finetune.errors import TransformError

MB = 1024 * 1024

T = TypeVar("T")


def lines_of(content: bytes) -> list[bytes]:
    """The records of JSON Lines; empty lines are none."""
    return [line for line in content.splitlines() if line.strip()]


def requests_of(records: Sequence[bytes], *, most_records: int | None, most_bytes: int | None) -> Iterator[list[bytes]]:
    """Neighbouring records that go into one request, which has a newline after each.

    Args:
        records: The records, in order.
        most_records: At most so many in a request; None for as many as fit.
        most_bytes: At most so many bytes in a request; None without a limit.

    Raises:
        TransformError: A record alone is larger (names its number, from 1).
    """
    batch, size = list[bytes](), 0
    for number, record in enumerate(records, start=1):
        length = len(record) + 1
        if most_bytes is not None and length > most_bytes:
            raise TransformError(f"record {number} has {length} bytes, more than the {most_bytes} of one request")
        if batch and (len(batch) == most_records or (most_bytes is not None and size + length > most_bytes)):
            yield batch
            batch, size = [], 0
        batch.append(record)
        size += length
    if batch:
        yield batch


def in_chunks(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Neighbouring items, so many at a time."""
    rest = iter(items)
    while some := list(islice(rest, size)):
        yield some


def body_of(records: Sequence[bytes]) -> bytes:
    """The body of a request."""
    return b"".join(record + b"\n" for record in records)


def answers_of(body: bytes, count: int) -> list[bytes]:
    """The answers in a body of JSON Lines, one to each record.

    Raises:
        TransformError: There are more or fewer.
    """
    answers = lines_of(body)
    if len(answers) != count:
        raise TransformError(f"must have one answer to each of {count} records, but got {len(answers)}")
    return answers
