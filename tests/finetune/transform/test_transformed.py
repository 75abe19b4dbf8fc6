import json

import pytest

from finetune.errors import TransformError
from finetune.transform.payloads import lines_of
from finetune.transform.transformed import Ways, transformed

LINES = Ways(split=True, assemble=True, single=False, most_bytes=None)
RECORDS = b'{"id": "x", "n": 1}\n{"id": "y", "n": 2}\n{"id": "z", "n": 3}'


class Model:
    """Doubles each record, and remembers how many it was asked at once."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    def __call__(self, body: bytes) -> bytes:
        values = [json.loads(line) for line in lines_of(body)]
        self.asked.append(len(values))
        return b"".join(json.dumps(value * 2).encode() + b"\n" for value in values)


def test_records_are_filtered_asked_joined_and_put_together() -> None:
    ways = Ways(True, True, False, None, "$.n", "$['id','SageMakerOutput']", join=True)
    model = Model()
    answers = [json.loads(line) for line in lines_of(transformed(RECORDS, ways, model) or b"")]
    assert answers == [{"id": guid, "SageMakerOutput": double} for guid, double in (("x", 2), ("y", 4), ("z", 6))]
    assert model.asked == [3]


@pytest.mark.parametrize(
    ("single", "most_bytes", "asked"), [(True, None, [1, 1, 1]), (False, 4, [2, 1]), (False, 2, [1, 1, 1])]
)
def test_requests_hold_one_record_or_as_many_as_fit(single: bool, most_bytes: int | None, asked: list[int]) -> None:
    model = Model()
    output = transformed(b"1\n2\n3\n", Ways(True, True, single, most_bytes), model)
    assert output == b"2\n4\n6\n" and model.asked == asked


def test_a_whole_file_is_one_record_where_it_is_not_split() -> None:
    assert transformed(b"7", Ways(False, False, False, None), lambda body: body + b"!") == b"7!"


def test_what_is_stopped_gives_nothing() -> None:
    assert transformed(b"1\n", LINES, Model(), lambda: True) is None


@pytest.mark.parametrize(
    ("content", "ways", "said"),
    [
        (b"no json\n", Ways(True, True, False, None, "$.n"), "must be JSON"),
        (b'{"a": 1}\n', Ways(True, True, False, None, "$.n"), "names nothing in"),
        (b"1\n", Ways(True, True, False, 1), "more than the 1 of one request"),
    ],
)
def test_records_that_do_not_fit_are_named(content: bytes, ways: Ways, said: str) -> None:
    with pytest.raises(TransformError, match=said):
        transformed(content, ways, Model())


def test_a_model_that_answers_too_little_is_refused() -> None:
    with pytest.raises(TransformError, match="one answer to each of 2 records, but got 1"):
        transformed(b"1\n2\n", Ways(True, True, False, None, join=True), lambda body: b"1\n")
