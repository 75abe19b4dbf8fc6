from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finetune.errors import TransformError
from finetune.transform.paths import joined, parsed, picked

RECORD = {"guid": "a", "instance": {"text": "t", "more": [1, 2, 3]}}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("$", RECORD),
        ("$.guid", "a"),
        ("$.instance.text", "t"),
        ("$['guid','instance']", RECORD),
        ('$["guid"]', "a"),
        ("$['instance']['more'][0]", 1),
        ("$.instance.more[1:]", [2, 3]),
        ("$.instance.more[:1]", [1]),
        ("$.instance.more[0,-1]", [1, 3]),
    ],
)
def test_a_path_picks_a_part(path: str, found: Any) -> None:
    assert picked(RECORD, path) == found


@pytest.mark.parametrize("path", ["", "guid", "$.", "$..guid", "$[guid]", "$.guid[?(@.x)]", "$['guid", "$ .guid x"])
def test_what_is_no_path_is_refused_with_examples(path: str) -> None:
    with pytest.raises(TransformError, match="must be a path such as"):
        parsed(path)


@pytest.mark.parametrize("path", ["$.label", "$.instance.more[7]", "$.guid[0]", "$.guid.text", "$.instance[1:]"])
def test_a_part_that_is_not_there_is_named(path: str) -> None:
    with pytest.raises(TransformError, match="names nothing in"):
        picked(RECORD, path)


@given(st.dictionaries(st.text("ab ü", min_size=1), st.integers(), min_size=1))
def test_every_name_can_be_picked_alone_and_with_others(record: dict[str, int]) -> None:
    names = ",".join(f"'{name}'" for name in record)
    assert picked(record, f"$[{names}]") == (record if len(record) > 1 else next(iter(record.values())))


def test_an_answer_joins_an_object_and_whatever_else_was_asked() -> None:
    assert joined({"guid": "a"}, 1) == {"guid": "a", "SageMakerOutput": 1}
    assert joined([1], 2) == {"SageMakerInput": [1], "SageMakerOutput": 2}
