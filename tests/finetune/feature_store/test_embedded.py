"""The embedded store: groups, histories and freshness in the offline layout."""

import re
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from finetune.errors import FeatureStoreError
from finetune.feature_store.embedded import EmbeddedStore
from finetune.feature_store.group import Group, Kind
from finetune.feature_store.moments import moment
from finetune.feature_store.store import ingest

GROUP = Group("signals", "id", "at", {"mean": Kind.FRACTIONAL, "unit": Kind.STRING})
OLD, NEW = moment("2026-01-02"), moment("2026-01-03T05:00")


@pytest.fixture
def store(tmp_path: Path) -> EmbeddedStore:
    return EmbeddedStore(tmp_path / "feature_store")


def rows(mean: float, at: str, *ids: str) -> list[dict[str, object]]:
    return [{"id": each, "at": at, "mean": mean, "unit": "mV"} for each in ids]


def test_the_past_is_fetched_as_it_was_and_nothing_from_the_future(store: EmbeddedStore) -> None:
    assert ingest(store, GROUP, [*rows(1.0, OLD, "a", "b"), *rows(2.0, NEW, "a")]) == (3, 0)
    wanted = [("a", moment("2026-01-02T23:59")), ("a", NEW), ("b", NEW), ("a", moment("2026-01-01")), ("c", NEW)]
    assert [record and record["mean"] for record in store.at(GROUP, wanted)] == [1.0, 2.0, 1.0, None, None]
    assert [record and record["mean"] for record in store.latest(GROUP, ["b", "a"])] == [1.0, 2.0]


def test_what_is_there_is_not_stored_again_and_what_changed_is(store: EmbeddedStore) -> None:
    ingest(store, GROUP, rows(1.0, OLD, "a", "b"))
    assert ingest(store, GROUP, [*rows(1.0, OLD, "a"), *rows(3.0, OLD, "b")]) == (1, 1)
    assert [record and record["mean"] for record in store.latest(GROUP, ["a", "b"])] == [1.0, 3.0]
    described = store.describe("signals")
    assert described.group == GROUP and described.counts[:3] == (2, 3, OLD)


def test_files_lie_as_in_the_offline_store(store: EmbeddedStore, tmp_path: Path) -> None:
    ingest(store, GROUP, rows(1.0, NEW, "a"))
    files = list((tmp_path / "feature_store").rglob("*.parquet"))
    place = r"signals/data/year=2026/month=01/day=03/hour=05/20260103T050000Z_[a-zA-Z0-9]{16}\.parquet"
    assert len(files) == 1 and re.search(place, str(files[0]))
    names = ["id", "at", "mean", "unit", "write_time", "api_invocation_time", "is_deleted"]
    assert pq.read_schema(files[0]).names == names


def test_a_deleted_record_is_gone_from_then_on(store: EmbeddedStore) -> None:
    ingest(store, GROUP, rows(1.0, OLD, "a", "b"))
    store.remove(GROUP, ["a"], NEW)
    assert store.latest(GROUP, ["a"]) == [None]
    assert store.at(GROUP, [("a", OLD)])[0] is not None
    assert store.describe("signals").counts.records == 1


def test_another_schema_is_refused_and_a_dropped_group_is_gone(store: EmbeddedStore) -> None:
    ingest(store, GROUP, rows(1.0, OLD, "a"))
    other = Group("signals", "id", "at", {"mean": Kind.INTEGRAL, "unit": Kind.STRING})
    for refused in (lambda: store.ensure(other), lambda: store.at(other, [("a", OLD)]), lambda: store.put(other, [])):
        with pytest.raises(FeatureStoreError, match="feature mean is Fractional there, but Integral here"):
            refused()
    store.drop("signals")
    assert store.groups() == []
    with pytest.raises(FeatureStoreError, match="there is no group signals .*groups: none"):
        store.describe("signals")


def test_a_bad_row_stores_nothing(store: EmbeddedStore) -> None:
    with pytest.raises(FeatureStoreError, match="event time is missing"):
        ingest(store, GROUP, [*rows(1.0, OLD, "a"), {"id": "b", "mean": 1.0}])
    assert store.groups() == []
