import os
from pathlib import Path

import pytest

from finetune.errors import ReconcileError
from finetune.storage.listing import list_files, list_ids


def test_only_files_that_are_called_for_are_listed_in_their_order(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / "x" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "x" / name).write_text(name * 3)
    (tmp_path / "y").mkdir()
    (tmp_path / "stray").write_text("not an id")
    listed = {guid: [(file.name, file.size) for file in files] for guid, files in list_ids(str(tmp_path), ["c", "a"])}
    assert listed == {"x": [("c", 3), ("a", 3)], "y": []}


def test_what_is_no_regular_file_is_not_listed(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    assert list_files(str(tmp_path), ["folder", "pipe", "absent"]) == []


def test_a_changed_byte_changes_the_version_though_the_time_is_set_back(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_text("old")
    before, status = list_files(str(tmp_path), ["a"]), path.stat()
    path.write_text("new")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert path.stat().st_mtime_ns == status.st_mtime_ns
    assert list_files(str(tmp_path), ["a"]) != before


def test_a_link_is_refused_wherever_it_stands(tmp_path: Path) -> None:
    (tmp_path / "ids" / "x").mkdir(parents=True)
    (tmp_path / "outside").write_text("secret")
    link = tmp_path / "ids" / "x" / "a"
    link.symlink_to(tmp_path / "outside")
    with pytest.raises(ReconcileError, match=f"{link} is a link"):
        list(list_ids(str(tmp_path / "ids"), ["a"]))
    link.unlink()
    (tmp_path / "ids" / "y").symlink_to(tmp_path / "ids" / "x")
    with pytest.raises(ReconcileError, match="ids/y is a link"):
        list(list_ids(str(tmp_path / "ids"), ["a"]))


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(ReconcileError, match=f"production.files: cannot list {tmp_path}/none: No such file"):
        list(list_ids(str(tmp_path / "none"), ["a"]))
