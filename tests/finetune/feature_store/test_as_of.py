"""The point-in-time query against the plain rule, on histories that hypothesis thinks of."""

from datetime import datetime, timedelta

import pyarrow as pa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from finetune.feature_store.as_of import as_of, athena_query
from finetune.feature_store.group import Group, Kind
from finetune.feature_store.moments import LAST, moment
from finetune.feature_store.offline import counts_of, schema_of

GROUP = Group("signals", "id", "event time", {"value": Kind.INTEGRAL, "order": Kind.STRING})
START = datetime(2026, 1, 1)
hours = some.integers(0, 5)
written = some.tuples(some.sampled_from("abc"), hours, some.booleans())
"""Identifier, hour of the event time, whether it is a deletion."""


def text(hour: int) -> str:
    return moment(START + timedelta(hours=hour))


def history_of(writes: list[tuple[str, int, bool]]) -> pa.Table:
    rows = [
        {
            "id": identifier,
            "event time": text(hour),
            "value": None if gone else number,
            "order": str(number),
            "write_time": START + timedelta(seconds=number),
            "api_invocation_time": START,
            "is_deleted": gone,
        }
        for number, (identifier, hour, gone) in enumerate(writes)
    ]
    return pa.Table.from_pylist(rows, schema=schema_of(GROUP))


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(some.lists(written, max_size=12), some.lists(some.tuples(some.sampled_from("abcd"), hours), max_size=6))
def test_a_record_is_the_newest_that_does_not_come_after_the_wanted_time(
    writes: list[tuple[str, int, bool]], wanted: list[tuple[str, int]]
) -> None:
    found = as_of(GROUP, history_of(writes), [(identifier, text(hour)) for identifier, hour in wanted])
    for (identifier, hour), record in zip(wanted, found, strict=True):
        before = [(at, number) for number, (each, at, _) in enumerate(writes) if each == identifier and at <= hour]
        at, number = max(before, default=(0, -1))
        if number < 0 or writes[number][2]:
            assert record is None
        else:
            assert record == {"id": identifier, "event time": text(at), "value": number, "order": str(number)}


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(some.lists(written, max_size=12))
def test_counts_are_those_of_the_newest_records(writes: list[tuple[str, int, bool]]) -> None:
    history = history_of(writes)
    counts = counts_of(GROUP, history)
    there = [record for record in as_of(GROUP, history, [(each, LAST) for each in "abc"]) if record is not None]
    assert (counts.records, counts.history) == (len(there), len(writes))
    assert counts.newest_event == max((text(hour) for _, hour, _ in writes), default=None)


def test_athena_gets_the_same_query_with_its_own_words_for_time() -> None:
    query = athena_query(GROUP, history="signals_1764", wanted="wanted")
    assert 'FROM wanted AS wanted\n  JOIN signals_1764 AS history ON history."id" = wanted.identifier' in query
    assert 'from_iso8601_timestamp(history."event time") <= from_iso8601_timestamp(wanted.moment)' in query
