import os
import uuid
from pathlib import Path
from typing import Any

import pytest

from finetune.errors import ReconcileError
from finetune.reconcile.snapshot import Production, read_snapshot, take_snapshot

Rows = list[dict[str, Any]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for guid in ("a", "b", "c"):
        (tmp_path / "files" / guid).mkdir(parents=True)
        (tmp_path / "files" / guid / "t").write_text(guid)
    return tmp_path / "files"


def take(rows: Rows, folder: Path) -> bytes:
    target = folder.parent / "snapshot.parquet"
    return take_snapshot(rows, folder=str(folder), names=["t"], target=target).path.read_bytes()


def taken(rows: Rows, folder: Path) -> Production:
    target = folder.parent / "snapshot.parquet"
    return read_snapshot(take_snapshot(rows, folder=str(folder), names=["t"], target=target))


def row(guid: str, label: str | None = "x", **more: Any) -> dict[str, Any]:
    return {"guid": guid, "label": label, **more}


def test_the_order_of_the_rows_changes_nothing(folder: Path) -> None:
    rows = [row("a", n=1), row("a", n=2), row("b", None, n=None), row("b", "y", n=1)]
    assert take(rows, folder) == take(rows[::-1], folder)


def test_a_repeated_guid_keeps_all_its_rows(folder: Path) -> None:
    there = taken([row("b"), row("a", "y"), row("a"), row("gone")], folder)
    assert [(one["guid"], one["label"]) for one in there.rows] == [("a", "x"), ("a", "y"), ("b", "x"), ("gone", "x")]
    assert {guid: [file.name for file in files] for guid, files in there.files.items()} == {
        **dict.fromkeys("abc", ["t"]),
        "gone": [],
    }


def test_a_changed_byte_changes_the_snapshot_though_the_time_is_set_back(folder: Path) -> None:
    before, status = take([row("a")], folder), (folder / "a" / "t").stat()
    (folder / "a" / "t").write_text("A")
    os.utime(folder / "a" / "t", ns=(status.st_atime_ns, status.st_mtime_ns))
    assert take([row("a")], folder) != before


def test_nothing_changed_gives_the_same_bytes(folder: Path) -> None:
    assert take([row("a")], folder) == take([row("a")], folder)


def test_a_folder_name_that_is_not_utf_8_is_listed_with_escapes(folder: Path) -> None:
    name = os.path.join(os.fsencode(folder), b"caf\xe9")
    os.mkdir(name)
    with open(os.path.join(name, b"t"), "wb") as file:
        file.write(b"x")
    assert len(taken([row("a")], folder).files[r"caf\udce9"]) == 1


@pytest.mark.parametrize(
    ("rows", "names", "message"),
    [
        ([], ["t"], "production.labels: returned no rows"),
        ([row("a")], ["u", "v"], "none of the 3 ids in .* has u or v"),
        ([row("a", hash="1")], ["t"], "the column name hash is taken"),
        ([row("a", n=1), row("b", n="one")], ["t"], "the column n cannot be stored.* int and str.*CAST"),
        ([row("a", n=2**80)], ["t"], "the column n cannot be stored"),
        ([row("a", n=object())], ["t"], "the column n cannot be stored.*object"),
    ],
)
def test_what_cannot_be_used_is_refused(rows: Rows, names: list[str], message: str, folder: Path) -> None:
    with pytest.raises(ReconcileError, match=message):
        take_snapshot(rows, folder=str(folder), names=names, target=folder.parent / "s")


def test_further_columns_come_back_as_they_were(folder: Path) -> None:
    [one] = taken([row("a", n=3, text="t", none=None, id=str(uuid.UUID(int=1)))], folder).rows
    assert one == row("a", n=3, text="t", none=None, id=str(uuid.UUID(int=1)))


def test_a_missing_folder_and_a_link_are_refused(folder: Path) -> None:
    with pytest.raises(ReconcileError, match="cannot list"):
        take([row("a")], folder / "none")
    (folder / "d").symlink_to(folder / "a")
    with pytest.raises(ReconcileError, match="d is a link"):
        take([row("a")], folder)
