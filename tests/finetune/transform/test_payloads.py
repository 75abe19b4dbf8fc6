import pytest
from hypothesis import given
from hypothesis import strategies as st

from finetune.errors import TransformError
from finetune.transform.payloads import answers_of, body_of, lines_of, requests_of

RECORDS = st.lists(st.binary(min_size=1, max_size=9).filter(lambda record: not set(record) & set(b" \t\n\r\x0b\x0c")))


@given(RECORDS, st.one_of(st.none(), st.integers(1, 5)), st.one_of(st.none(), st.integers(10, 40)))
def test_no_record_is_lost_or_moved_and_no_request_is_too_large(
    records: list[bytes], most_records: int | None, most_bytes: int | None
) -> None:
    requests = list(requests_of(records, most_records=most_records, most_bytes=most_bytes))
    assert [record for request in requests for record in request] == records
    assert all(len(request) <= (most_records or len(request)) for request in requests)
    assert all(len(body_of(request)) <= (most_bytes or len(body_of(request))) for request in requests)
    assert [lines_of(body_of(request)) for request in requests] == requests


def test_a_record_that_fits_no_request_is_named() -> None:
    with pytest.raises(TransformError, match="record 2 has 6 bytes, more than the 5"):
        list(requests_of([b"a", b"large"], most_records=None, most_bytes=5))


def test_each_record_needs_its_answer() -> None:
    assert answers_of(b"1\n\n2\n", 2) == [b"1", b"2"]
    with pytest.raises(TransformError, match="one answer to each of 2 records, but got 1"):
        answers_of(b"1\n", 2)
