"""What is wrong with rows is said before any is stored, and how two schemas differ."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as some

from finetune.errors import FeatureStoreError
from finetune.feature_store.group import Group, Kind, differences, refuse_other_schema
from finetune.feature_store.moments import moment
from finetune.feature_store.records import checked, unlike

GROUP = Group("signals", "id", "at", {"mean": Kind.FRACTIONAL, "beats": Kind.INTEGRAL, "unit": Kind.STRING})
GOOD = {"id": "a", "at": "2026-01-02", "mean": 1, "beats": 3, "unit": "mV"}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"mean": "1.5"}, "mean: must be a number, but got '1.5' (str)"),
        ({"mean": float("inf")}, "mean: must be a finite number, but got inf"),
        ({"beats": 2.0}, "beats: must be a whole number of at most 64 bits, but got 2.0 (float)"),
        ({"beats": True}, "beats: must be a whole number of at most 64 bits, but got True (bool)"),
        ({"beats": 1 << 63}, "beats: must be a whole number"),
        ({"unit": 5}, "unit: must be a text, but got 5 (int)"),
        ({"at": None}, "at: the event time is missing"),
        ({"at": "yesterday"}, "at: must be a time such as"),
        ({"id": " "}, "id: must be a text or whole number, but got ' '"),
        ({"colour": 1}, "colour is no feature of the group"),
    ],
)
def test_a_bad_value_is_named_with_row_and_rule(change: dict[str, object], said: str) -> None:
    with pytest.raises(FeatureStoreError) as refused:
        checked(GROUP, [GOOD, {**GOOD, "id": "b", **change}])
    assert "row 2 (" in str(refused.value) and said in str(refused.value)
    assert "no record was stored" in str(refused.value)


def test_an_identifier_comes_once_at_a_time() -> None:
    again = {**GOOD, "at": "2026-01-02T01:00:00+01:00"}
    with pytest.raises(FeatureStoreError, match="duplicate 'a' at 2026-01-02T00:00:00.000Z, as in row 1"):
        checked(GROUP, [GOOD, again])
    assert len(checked(GROUP, [GOOD, {**GOOD, "at": "2026-01-03"}])) == 2


def test_what_is_missing_is_none_and_equal_records_are_not_put_again() -> None:
    records = checked(GROUP, [{"id": 7, "at": "2026-01-02", "mean": float("nan")}, GOOD])
    assert records[0] == {"id": "7", "at": "2026-01-02T00:00:00.000Z", "mean": None, "beats": None, "unit": None}
    assert list(unlike(records, [None, dict(records[1])])) == [records[0]]


def test_differing_fields_are_named() -> None:
    there = Group("signals", "key", "at", {"mean": Kind.STRING, "beats": Kind.INTEGRAL, "old": Kind.STRING})
    assert differences(GROUP, there) == [
        "record_identifier is key there, but id here",
        "feature mean is String there, but Fractional here",
        "feature old (String) is only there",
        "feature unit (String) is only here",
    ]
    with pytest.raises(FeatureStoreError, match="feature old .String. is only there"):
        refuse_other_schema(GROUP, there)
    assert Group.from_dict(GROUP.to_dict()) == GROUP and not differences(GROUP, GROUP)


times = some.datetimes(min_value=datetime(1900, 1, 1), max_value=datetime(9000, 1, 1))


@given(times, times, some.integers(-14, 14))
def test_the_order_of_event_times_is_that_of_their_texts(one: datetime, other: datetime, hours: int) -> None:
    one, other = (each.replace(microsecond=each.microsecond // 1000 * 1000, tzinfo=UTC) for each in (one, other))
    elsewhere = one.astimezone(timezone(timedelta(hours=hours)))
    assert moment(elsewhere) == moment(one) == moment(moment(one))
    assert (moment(one) < moment(other)) == (one < other)
