import datetime
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
    assert (found.rows, found.ids) == (3, ids)
    assert all(column in rule for rule in found.rules) and bool(found.rules) == bool(ids)


def test_several_columns_are_told_apart(production: Snapshot) -> None:
    found = check_labels(
        production, {"label": ColumnConfig(nulls=False, allowed=["x"]), "owner": ColumnConfig(nulls=False)}
    )
    assert found.ids == ["b", "c"]
    told = {"label has no value": 1, "label is not among the allowed values": 1, "owner has no value": 1}
    assert found.rules == told
