import os
from pathlib import Path

import pytest

from finetune.errors import ReconcileError
from finetune.storage.copy import SCRATCH, copy_file, scratch_folder
from finetune.storage.digest import CHUNK, Digest
from finetune.storage.failures import ObjectError
from finetune.storage.plan import Copy


def copy_of(folder: Path, source: str, digest: Digest) -> Copy:
    return Copy(str(folder / source), str(folder / "b"), 0, "", digest)


@pytest.mark.parametrize("kind", ["sha256", "md5"])
@pytest.mark.parametrize("size", [0, 1, CHUNK, 2 * CHUNK + 1])
def test_a_copy_has_the_content_of_its_source(size: int, kind: str, tmp_path: Path) -> None:
    content = os.urandom(size)
    (tmp_path / "a").write_bytes(content)
    copy_file(copy_of(tmp_path, "a", Digest.of_bytes(content, kind)), tmp_path / "s")
    assert (tmp_path / "b").read_bytes() == content
    assert not (tmp_path / "s").exists()


def test_a_source_with_another_hash_is_refused_and_the_destination_stays(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("new")
    (tmp_path / "b").write_text("old")
    with pytest.raises(ObjectError, match="a -> .*b: the file changed, or its known hash is wrong"):
        copy_file(copy_of(tmp_path, "a", Digest("md5", "0" * 32)), tmp_path / "s")
    assert (tmp_path / "b").read_text() == "old"


def test_an_unreadable_source_is_named(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    for source in ("a", "absent"):
        with pytest.raises(ObjectError, match=rf"copy {tmp_path}/{source} -> {tmp_path}/b: "):
            copy_file(copy_of(tmp_path, source, Digest("md5", "0" * 32)), tmp_path / "s")
    assert not (tmp_path / "b").exists()


def test_a_disk_that_cannot_be_written_is_no_matter_of_one_file(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1")
    with pytest.raises(ReconcileError, match=rf"copy {tmp_path}/a -> {tmp_path}/b: No such file"):
        copy_file(copy_of(tmp_path, "a", Digest.of_bytes(b"1")), tmp_path / "none" / "s")


def test_a_link_at_the_destination_is_replaced_and_its_target_stays(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("new")
    (tmp_path / "outside").write_text("mine")
    (tmp_path / "b").symlink_to(tmp_path / "outside")
    copy_file(copy_of(tmp_path, "a", Digest.of_bytes(b"new")), tmp_path / "s")
    assert not (tmp_path / "b").is_symlink()
    assert (tmp_path / "outside").read_text() == "mine"


def test_the_scratch_folder_begins_empty_and_ends_absent(tmp_path: Path) -> None:
    (tmp_path / SCRATCH).mkdir()
    (tmp_path / SCRATCH / "left by a killed process").write_text("half")
    with scratch_folder(tmp_path) as scratch:
        assert os.listdir(scratch) == []
        Path(scratch, "1").write_text("half")
    assert os.listdir(tmp_path) == []
