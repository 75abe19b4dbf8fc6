import os
import random
import uuid
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from finetune.errors import ReconcileError
from finetune.reconcile.snapshot import InProduction, Snapshot, ids_of, take_snapshot

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


def taken(rows: Rows, folder: Path, **more: Any) -> list[InProduction]:
    target = folder.parent / "snapshot.parquet"
    return list(ids_of(take_snapshot(rows, folder=str(folder), names=["t"], target=target, **more)))


def row(guid: str, label: str | None = "x", **more: Any) -> dict[str, Any]:
    return {"guid": guid, "label": label, **more}


def test_the_order_of_the_rows_changes_nothing(folder: Path) -> None:
    rows = [row("a", n=1), row("a", n=2), row("b", None, n=None), row("b", "y", n=1)]
    assert take(rows, folder) == take(rows[::-1], folder)


def test_a_repeated_guid_keeps_all_its_rows(folder: Path) -> None:
    there = taken([row("b"), row("a", "y"), row("a"), row("gone")], folder)
    assert [(one.guid, [row.label for row in one.rows], [file.name for file in one.files]) for one in there] == [
        ("a", ["x", "y"], ["t"]),
        ("b", ["x"], ["t"]),
        ("c", [], ["t"]),
        ("gone", ["x"], []),
    ]


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
    assert [len(one.files) for one in taken([row("a")], folder) if one.guid == r"caf\udce9"] == [1]


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
    more = {"n": 3, "text": "t", "none": None, "id": uuid.UUID(int=1), "cost": Decimal("1.50")}
    [one, *_] = taken([row("a", **more), row("b", **{**more, "cost": Decimal("100")})], folder)
    assert one.rows[0].more == tuple(more.values())


def test_a_missing_folder_and_a_link_are_refused(folder: Path) -> None:
    with pytest.raises(ReconcileError, match="cannot list"):
        take([row("a")], folder / "none")
    (folder / "d").symlink_to(folder / "a")
    with pytest.raises(ReconcileError, match="d is a link"):
        take([row("a")], folder)


def test_a_column_whose_type_shows_late_is_read(folder: Path) -> None:
    rows = [row(f"{number:05}", n=None if number < 15_000 else number / 2, k=number) for number in range(30_000)]
    first = take(rows, folder)
    random.Random(1).shuffle(rows)
    assert take(rows, folder) == first  # though it is sorted in parts
    there = list(ids_of(Snapshot(folder.parent / "snapshot.parquet")))
    assert [one.guid for one in there] == sorted([*"abc", *(row["guid"] for row in rows)])
    assert {one.guid: tuple(one.rows[0].more) for one in there if one.rows} == {
        row["guid"]: (row["n"], row["k"]) for row in rows
    }
    with pytest.raises(ReconcileError, match="the column n cannot be stored.*float and str"):
        take([*rows, row("late", n="text", k=1)], folder)


MD5 = "d41d8cd98f00b204e9800998ecf8427e"


def test_the_hash_column_is_told_of_the_file_and_is_no_further_column(folder: Path) -> None:
    rows = [row("a", sum=MD5.upper(), n=1), row("b", sum=None, n=1), row("c", sum=f"crc64nvme:{MD5[:16]}", n=1)]
    there = taken(rows, folder, hash_column="sum")
    assert [str(one.told("x", ["t"])[0].digest) for one in there] == [f"md5:{MD5}", "None", f"crc64nvme:{MD5[:16]}"]
    assert [one.rows[0].more for one in there] == [(1,)] * 3


def test_a_hash_that_is_none_and_an_absent_column_are_refused(folder: Path) -> None:
    with pytest.raises(ReconcileError, match=r"labels.hash: column sum of id a: must be a content hash.*got 'abc'"):
        taken([row("a", sum="abc")], folder, hash_column="sum")
    with pytest.raises(
        ReconcileError, match=r"labels.hash: must be a column .* got sum \(the columns are guid, label\)"
    ):
        taken([row("a")], folder, hash_column="sum")
