"""Selecting ids on disk, in parts, decides as select.py does in memory, and reads only the files that it must."""

import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finetune.reconcile.select import drop_duplicates, match, reason_kind
from finetune.reconcile.selection import Hashed, Selected, select_ids
from finetune.reconcile.snapshot import take_snapshot, write_snapshot
from finetune.storage.digest import Digest
from finetune.storage.listing import ListedFile

NAMES = ["t", "u"]
GUIDS = st.sampled_from([f"id{number:02}" for number in range(12)])
ROWS = st.lists(st.tuples(GUIDS, st.sampled_from(["a", "b", " ", None])), min_size=1, max_size=30)
CONTENT = st.sampled_from([b"", b"one", b"two", b"long"])
KIND = st.sampled_from([None, "sha256", "md5"])
"""Of the hash that a listing tells."""
FILE = st.tuples(CONTENT, KIND)
FILES = st.dictionaries(GUIDS, st.dictionaries(st.sampled_from(NAMES), FILE, min_size=0), min_size=1, max_size=12)


class Listing:
    """What a listing says of files, and their hashes where they are read."""

    def __init__(self, files: dict[str, dict[str, tuple[bytes, str | None]]]) -> None:
        self.files, self.read = files, list[str]()

    def list_ids(self) -> Iterator[tuple[str, list[ListedFile]]]:
        for guid, files in self.files.items():
            there = [(name, *files[name]) for name in NAMES if name in files]
            yield (
                guid,
                [
                    ListedFile(name, len(content), "1", Digest.of_bytes(content, kind) if kind else None)
                    for name, content, kind in there
                ],
            )

    def hash_all(self, ids: Iterable[tuple[str, list[ListedFile]]], count: int) -> Hashed:
        for guid, files in ids:
            self.read.append(guid)
            yield guid, [Digest.of_bytes(self.files[guid][file.name][0]) for file in files]


def selected(rows: list[tuple[str, str | None]], listing: Listing, part_rows: int) -> tuple[list[Selected], Any]:
    with tempfile.TemporaryDirectory() as folder:
        labels = ({"guid": guid, "label": label} for guid, label in rows)
        snapshot = write_snapshot(labels, listing.list_ids(), target=Path(folder, "s"), part_rows=part_rows)
        Path(folder, "selection").mkdir()
        found = select_ids(
            snapshot, NAMES, hash_all=listing.hash_all, folder=Path(folder, "selection"), part_rows=part_rows
        )
        assert list(found) == list(found)
        return list(found), found


@settings(max_examples=150, deadline=None)
@given(ROWS, FILES, st.sampled_from([1, 3, 100]))
def test_parts_on_disk_decide_as_memory_does(
    rows: list[tuple[str, str | None]], files: dict[str, dict[str, tuple[bytes, str | None]]], part_rows: int
) -> None:
    listing = Listing(files)
    found, selection = selected(rows, listing, part_rows)
    matched = match(rows, files, NAMES)
    contents = {guid: repr([files[guid][name][0] for name in NAMES]) for guid in matched.kept}
    unique = drop_duplicates(matched.kept, contents)
    dropped = {**matched.dropped, **unique.dropped}
    assert [each.guid for each in found] == sorted({guid for guid, _ in rows} | set(files))
    assert {each.guid: each.label for each in found if each.reason is None} == unique.kept
    assert {each.guid: each.reason for each in found if each.reason is not None} == dropped
    assert (selection.kept, selection.dropped) == (len(unique.kept), Counter(map(reason_kind, dropped.values())))
    assert listing.read == sorted(listing.read)
    for each in found:
        if each.digests:
            assert each.digests == [Digest.of_bytes(files[each.guid][name][0]) for name in NAMES]


def listing_of(*files: tuple[bytes, str | None]) -> Listing:
    return Listing({f"id{number}": {"t": file, "u": (b"same", "md5")} for number, file in enumerate(files)})


@pytest.mark.parametrize(
    ("files", "read"),
    [
        ([(b"a", None), (b"bb", None)], []),
        ([(b"a", "md5"), (b"b", "md5"), (b"a", "md5")], []),
        ([(b"a", "md5"), (b"b", None), (b"cc", None)], ["id0", "id1"]),
        ([(b"a", "md5"), (b"b", "md5"), (b"a", "sha256"), (b"dd", "md5")], ["id0", "id1", "id2"]),
    ],
)
def test_only_ids_of_equal_sizes_whose_hashes_do_not_compare_are_read(
    files: list[tuple[bytes, str | None]], read: list[str]
) -> None:
    listing = listing_of(*files)
    found, _ = selected([(guid, "x") for guid in listing.files], listing, 100)
    assert listing.read == read
    equal = [number for number, (content, _) in enumerate(files) if content == b"a"]
    assert [each.guid for each in found if each.reason] == [f"id{number}" for number in equal[1:]]


def test_equal_hashes_of_files_of_other_sizes_are_no_duplicates(tmp_path: Path) -> None:
    for guid, text in (("a", "1"), ("b", "22"), ("c", "22")):
        (tmp_path / "files" / guid).mkdir(parents=True)
        (tmp_path / "files" / guid / "t").write_text(text)
    told = str(Digest.of_bytes(b"1"))
    rows = [{"guid": guid, "label": "x", "sum": told} for guid in "abc"]
    snapshot = take_snapshot(
        rows, folder=str(tmp_path / "files"), names=["t"], target=tmp_path / "s", hash_column="sum"
    )
    (tmp_path / "selection").mkdir()
    found = select_ids(snapshot, ["t"], hash_all=lambda ids, count: iter(()), folder=tmp_path / "selection")
    assert [each.reason for each in found] == [None, None, "duplicate of b"]
