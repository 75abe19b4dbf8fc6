import datetime
from pathlib import Path
from typing import Any

import pytest

from finetune.checks.labels import check_labels
from finetune.config.checks import ColumnConfig
from finetune.reconcile.snapshot import Snapshot, take_snapshot

DAY = datetime.date(2026, 11, 1)
ROWS: list[dict[str, Any]] = [
    {"guid": "a", "label": "x", "pages": 3, "share": 0.5, "seen": True, "day": DAY, "owner": "one"},
    {"guid": "b", "label": "y", "pages": None, "share": 1.5, "seen": False, "day": DAY, "owner": None},
    {"guid": "c", "label": None, "pages": 5, "share": None, "seen": True, "day": None, "owner": "two"},
]


@pytest.fixture(scope="module")
def production(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    """Three rows, and two ids with files and without a row."""
    folder = tmp_path_factory.mktemp("production")
    for guid in ("a", "b", "c", "d", "e"):
        (folder / "files" / guid).mkdir(parents=True)
        (folder / "files" / guid / "text.txt").write_text("words")
    target = folder / "production.parquet"
    return take_snapshot(ROWS, folder=str(folder / "files"), names=["text.txt"], target=target)


@pytest.mark.parametrize(
    ("column", "rule", "ids"),
    [
        ("label", {"type": "text"}, []),
        ("label", {"nulls": False}, ["c"]),
        ("label", {"allowed": ["x"]}, ["b"]),
        ("label", {"type": "integer"}, ["a", "b"]),
        ("pages", {"type": "integer", "nulls": False}, ["b"]),
        ("pages", {"type": "number", "allowed": [3, 5]}, []),
        ("share", {"type": "number"}, []),
        ("share", {"type": "integer"}, ["a", "b"]),
        ("seen", {"type": "boolean", "allowed": [True]}, ["b"]),
        ("day", {"type": "date"}, []),
        ("owner", {"allowed": ["one"], "nulls": False}, ["b", "c"]),
        ("colour", {}, ["a", "b", "c"]),
    ],
)
def test_the_rows_that_break_a_rule_are_named(
    production: Snapshot, column: str, rule: dict[str, Any], ids: list[str]
) -> None:
    found = check_labels(production, {column: ColumnConfig(**rule)})
    assert (found.rows, found.broken, found.ids) == (3, len(ids), ids)
    assert all(column in rule for rule in found.rules) and bool(found.rules) == bool(ids)


def test_several_columns_are_told_apart(production: Snapshot) -> None:
    found = check_labels(
        production, {"label": ColumnConfig(nulls=False, allowed=["x"]), "owner": ColumnConfig(nulls=False)}
    )
    assert found.ids == ["b", "c"]
    told = {"label has no value": (1, "c"), "label is not among the allowed values": (1, "b")}
    assert found.rules == {**told, "owner has no value": (1, "b")}


def test_of_many_broken_rows_all_are_counted_and_the_first_are_named(tmp_path: Path) -> None:
    (tmp_path / "files" / "000000").mkdir(parents=True)
    (tmp_path / "files" / "000000" / "text.txt").write_text("words")
    rows = [{"guid": f"{number:06}", "label": "x" if number else "y"} for number in range(60_000)]
    many = take_snapshot(rows, folder=str(tmp_path / "files"), names=["text.txt"], target=tmp_path / "many.parquet")
    found = check_labels(many, {"label": ColumnConfig(allowed=["y"]), "colour": ColumnConfig()})
    assert (found.rows, found.broken, found.ids) == (60_000, 60_000, [row["guid"] for row in rows[:10]])
    assert found.rules["label is not among the allowed values"] == (59_999, "000001")
    assert found.rules["colour is no column of the labels"] == (60_000, "000000")
