"""A home that was really reconciled, on disk and in S3, and what somebody did to it afterwards."""

import os
import time
from pathlib import Path

import pytest

from finetune.errors import ReconcileError
from finetune.reconcile.at_home import refuse_changed
from finetune.reconcile.manifest import Manifest
from finetune.storage.uri import join
from tests.finetune.reconcile.test_reconcile_s3 import Place

NAMES = ["t", "label.json"]


class Reconciled:
    def __init__(self, kind: str, folder: Path, bucket: str) -> None:
        self.place = Place(folder, bucket)
        self.kind, self.home = kind, self.place.home(kind)
        self.manifest = self.reconcile()

    def reconcile(self) -> Manifest:
        return self.place.run(self.kind, self.kind).manifest

    def file(self, name: str) -> str:
        return join(str(self.home.reconciled), name)

    def write(self, name: str, content: bytes) -> None:
        """Writes a file as somebody would, a while after reconcile."""
        if self.kind == "s3":
            time.sleep(1.1)  # S3 tells times in seconds
        self.home.storage.write(self.file(name), content)

    def check(self) -> None:
        refuse_changed(self.manifest, self.home, self.place.guids, NAMES)


@pytest.fixture(params=["disk", "s3"])
def reconciled(request: pytest.FixtureRequest, tmp_path: Path, bucket: str) -> Reconciled:
    return Reconciled(request.param, tmp_path, bucket)


def test_what_reconcile_left_is_taken(reconciled: Reconciled) -> None:
    reconciled.check()
    reconciled.home.storage.delete(str(reconciled.home.complete))  # another reconcile is at work
    reconciled.write("003/t", b"another text")
    reconciled.check()


def test_files_that_are_gone_are_counted_and_one_is_named(reconciled: Reconciled) -> None:
    for name in ("001/label.json", "003/t"):
        reconciled.home.storage.delete(reconciled.file(name))
    with pytest.raises(
        ReconcileError, match="2 files of the manifest gone from .*: 001/label.json, 003/t; start or resume"
    ):
        reconciled.check()


@pytest.mark.parametrize("name", NAMES)
def test_a_file_that_was_edited_is_named_and_reconcile_mends_the_copy(reconciled: Reconciled, name: str) -> None:
    before = reconciled.home.storage.read(reconciled.file(f"003/{name}"))
    assert before is not None
    reconciled.write(f"003/{name}", before[::-1])
    with pytest.raises(
        ReconcileError, match=f"1 file in .* changed after reconcile .* 003/{name}; copies are not for editing"
    ):
        reconciled.check()
    assert not reconciled.home.is_complete  # so that the next run does not take reconcile from the cache
    reconciled.manifest = reconciled.reconcile()
    reconciled.check()
    assert reconciled.home.storage.read(reconciled.file(f"003/{name}")) == before


def test_a_file_that_was_written_anew_with_the_same_content_is_taken(reconciled: Reconciled) -> None:
    reconciled.write("003/t", reconciled.place.guids[3].encode() * 50)
    reconciled.check()


def test_a_time_that_was_set_back_hides_nothing(tmp_path: Path, bucket: str) -> None:
    reconciled = Reconciled("disk", tmp_path, bucket)
    file = reconciled.file("003/t")
    old = os.stat(file).st_mtime_ns
    reconciled.write("003/t", b"x" * os.stat(file).st_size)
    os.utime(file, ns=(old, old))
    with pytest.raises(ReconcileError, match="003/t"):
        reconciled.check()
