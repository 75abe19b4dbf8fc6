"""Rows of a table become those of a group, and records become files of ids."""

import json
from pathlib import Path

import pyarrow as pa
import pytest

from finetune.config.features import GroupConfig
from finetune.errors import FeatureStoreError, ReconcileError
from finetune.feature_store.embedded import EmbeddedStore
from finetune.feature_store.fetched import Fetched, fetch
from finetune.feature_store.group import Group, Kind
from finetune.feature_store.rows import group_of, rows_of
from finetune.feature_store.store import ingest

SETTINGS = GroupConfig(
    name="signals",
    record_identifier="signal_id",
    identified_by=["record", "signal"],
    event_time="at",
    features={"mean": "fractional", "signal": "string"},
)
TABLE = pa.table(
    {"record": ["r1", "r2"], "signal": ["II", None], "at": ["2026-01-02", "2026-01-03"], "mean": [1.0, 2.0]}
)


def test_the_identifier_is_joined_from_columns_and_absent_where_one_is() -> None:
    assert list(rows_of(TABLE, SETTINGS)) == [
        {"signal_id": "r1-II", "at": "2026-01-02", "mean": 1.0, "signal": "II"},
        {"signal_id": None, "at": "2026-01-03", "mean": 2.0, "signal": None},
    ]
    assert group_of(SETTINGS) == Group("signals", "signal_id", "at", {"mean": Kind.FRACTIONAL, "signal": Kind.STRING})
    with pytest.raises(FeatureStoreError, match="must name columns of the rows .* but got signal, mean"):
        list(rows_of(TABLE.drop_columns(["mean", "signal"]), SETTINGS))


@pytest.fixture
def store(tmp_path: Path) -> EmbeddedStore:
    store = EmbeddedStore(tmp_path / "store")
    ingest(store, group_of(SETTINGS), list(rows_of(TABLE.slice(0, 1), SETTINGS)))
    return store


def label(guid: str, at: object = "2026-02-01", **more: object) -> dict[str, object]:
    return {"guid": guid, "label": "x", "signal_id": "r1-II", "at": at, **more}


def test_each_id_gets_its_record_as_of_its_time_and_what_is_of_none_goes(store: EmbeddedStore, tmp_path: Path) -> None:
    folder = tmp_path / "home" / "fetched"
    rows = [label("now"), label("before", "2025-01-01"), label("other", signal_id="r2-II")]
    assert fetch(store, "signals", rows, str(folder)) == Fetched(1, 2)
    assert [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()] == [
        "now/features.json"
    ]
    record = json.loads((folder / "now" / "features.json").read_text())
    assert record == {"signal_id": "r1-II", "at": "2026-01-02T00:00:00.000Z", "mean": 1.0, "signal": "II"}
    before = (folder / "now" / "features.json").stat().st_mtime_ns
    fetch(store, "signals", [label("now"), label("new")], str(folder))
    assert (folder / "now" / "features.json").stat().st_mtime_ns == before
    fetch(store, "signals", [label("new")], str(folder))
    assert [path.name for path in folder.iterdir()] == ["new"]


def test_label_rows_without_time_or_with_an_unsafe_id_are_refused(store: EmbeddedStore, tmp_path: Path) -> None:
    folder = str(tmp_path / "fetched")
    with pytest.raises(FeatureStoreError, match="must have the columns signal_id and at .* but at is missing"):
        fetch(store, "signals", [{"guid": "a", "label": "x", "signal_id": "r1-II"}], folder)
    with pytest.raises(FeatureStoreError, match="id a: at: must be a time such as .* but got None"):
        fetch(store, "signals", [label("a", None)], folder)
    with pytest.raises(ReconcileError, match="cannot name a folder"):
        fetch(store, "signals", [label("../a")], folder)
    with pytest.raises(
        FeatureStoreError, match="id a has one record, but its rows ask for r1-II at 2026-02-01.* and for"
    ):
        fetch(store, "signals", [label("a"), label("a"), label("a", "2026-03-01")], folder)
