"""Reconcile with real files, real threads and real processes that are killed."""

import functools
import hashlib
import json
import os
import random
import selectors
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from finetune.errors import ReconcileError
from finetune.experiment import Home
from finetune.reconcile.manifest import COLUMNS
from finetune.reconcile.reconcile import Reconciled, reconcile
from finetune.reconcile.snapshot import take_snapshot
from finetune.reconcile.transfer import ProcessFunc

WORKERS = 4
ROOT = Path(__file__).parents[3]


def write_label(row: dict[str, Any], files: dict[str, str], home: str, overwrite: bool) -> None:
    Path(home, "label.json").write_text(json.dumps(row["label"]), encoding="utf-8")


class Place:
    """A production folder, its label rows, and an experiment home, all below one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.production = folder, folder / "production"
        self.home = Home(str(folder / "out"), "EXP-1-x")
        self.rows: list[dict[str, Any]] = []
        self.calls: list[str] = []
        self.hash_column: str | None = None
        self.snapshot = folder / f"snapshot-{os.getpid()}.parquet"

    def add(self, guid: str, label: str | None = "x", text: str | None = None, **more: Any) -> None:
        self.rows.append({"guid": guid, "label": label, **more})
        self.put(guid, guid if text is None else text)

    def put(self, guid: str, text: str) -> None:
        (self.production / guid).mkdir(parents=True, exist_ok=True)
        (self.production / guid / "t").write_text(text)

    def process(self, row: dict[str, Any], files: dict[str, str], home: str, overwrite: bool) -> None:
        self.calls.append(row["guid"])
        assert files == {"t": f"{home}/t"}
        write_label(row, files, home, overwrite)

    def run(self, function: ProcessFunc | None = None, **changes: Any) -> Reconciled:
        snapshot = take_snapshot(
            self.rows,
            folder=str(self.production),
            names=["t"],
            target=self.snapshot,
            hash_column=self.hash_column,
        )
        settings: dict[str, Any] = {
            "home": self.home,
            "production": str(self.production),
            "files_from_production": ["t"],
            "files_at_home": ["t", "label.json"],
            "process_func": function or self.process,
            "process_hash": "1",
            "overwrite": False,
            "workers": WORKERS,
            "target": self.folder / "manifest.parquet",
        }
        return reconcile(snapshot, **{**settings, **changes})

    def at_home(self) -> dict[str, str]:
        return tree(self.home.reconciled)


def tree(folder: Path) -> dict[str, str]:
    """The hash of each file below a folder."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture
def place(tmp_path: Path) -> Place:
    place = Place(tmp_path)
    for guid in ("a", "b", "c"):
        place.add(guid)
    return place


def manifest(result: Reconciled) -> dict[str, str | None]:
    return {row["guid"]: row["dropped"] for row in result.manifest.rows(["guid", "dropped"])}


def test_every_id_is_in_the_manifest_and_a_dropped_one_has_its_reason(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = Place(tmp_path)
    place.add("kept", "x", expression="mit")
    place.add("copy of kept", "x", "kept", expression="mit")
    place.add("one", "x", "same", expression="a")
    place.add("two", "y", "same", expression="b")
    place.add("torn", "x", expression="a")
    place.rows.append({"guid": "torn", "label": "y", "expression": "c"})
    place.add("blank", None, expression=None)
    place.rows.append({"guid": "nowhere", "label": "x", "expression": None})
    place.put("stranger", "no row")
    os.mkdir(os.fsencode(place.production) + b"/caf\xe9")
    result = place.run()
    assert manifest(result) == {
        "blank": "no label",
        r"caf\udce9": "no label",
        "copy of kept": None,
        "kept": "duplicate of copy of kept",
        "nowhere": "no file: t",
        "one": "conflicting labels: same content as two",
        "stranger": "no label",
        "torn": "conflicting labels: x, y",
        "two": "conflicting labels: same content as one",
    }
    said = "dropped 8 of 9 ids: 3 with no label, 3 with conflicting labels, 1 with no file, 1 duplicate"
    assert f"{said}; the report names them" in capsys.readouterr().err.splitlines()
    assert sorted(os.listdir(place.home.reconciled)) == ["copy of kept"]
    assert json.loads(place.home.label_counts.read_text()) == {"x": 1}


def test_the_manifest_has_a_row_per_file_with_what_lies_at_home(place: Place) -> None:
    place.rows[0]["pages"] = 7
    for row in place.rows[1:]:
        row["pages"] = None
    rows = list(place.run().manifest.rows([*COLUMNS, "pages"]))
    assert [row["path"] for row in rows] == [f"{guid}/{name}" for guid in "abc" for name in ("label.json", "t")]
    assert {row["path"]: row["hash"] for row in rows} == place.at_home()
    assert rows[1] == {
        "guid": "a",
        "label": "x",
        "path": "a/t",
        "size": 1,
        "hash": hashlib.sha256(b"a").hexdigest(),
        "hash_from": "computed",
        "source": "a/t",
        "dropped": None,
        "pages": 7,
    }
    assert rows[0]["source"] == "process_func"


def test_a_second_run_copies_and_processes_nothing(place: Place) -> None:
    assert place.run().decisions == {"copy: absent": 3}
    before, calls = place.run().manifest.path.read_bytes(), sorted(place.calls)
    result = place.run()
    assert result.decisions == {"skip: same size and hash": 3}
    assert (result.manifest.path.read_bytes(), sorted(place.calls)) == (before, calls)
    assert calls == ["a", "b", "c"]


def test_an_id_is_processed_again_when_its_row_or_its_file_or_the_code_changed(place: Place) -> None:
    place.run()
    place.calls.clear()
    place.rows[0]["label"] = "y"
    place.put("b", "B")
    assert place.run().decisions == {"skip: same size and hash": 2, "replace: hash differs": 1}
    assert sorted(place.calls) == ["a", "b"]
    assert json.loads((place.home.reconciled / "a" / "label.json").read_text()) == "y"
    place.calls.clear()
    place.run(process_hash="2")
    assert sorted(place.calls) == ["a", "b", "c"]


def test_hashes_that_the_labels_tell_are_those_of_the_manifest_and_are_not_seen_by_process_func(place: Place) -> None:
    place.hash_column = "sum"
    place.add("d", "x", "a")
    told = [hashlib.sha256(b"a").hexdigest(), hashlib.md5(b"b").hexdigest(), None, hashlib.md5(b"a").hexdigest()]
    for row, digest in zip(place.rows, told, strict=True):
        row["sum"] = digest

    def looks(row: dict[str, Any], files: dict[str, str], home: str, overwrite: bool) -> None:
        assert set(row) == {"guid", "label"}
        place.process(row, files, home, overwrite)

    result = place.run(looks)
    found = {
        row["path"]: (row["hash"], row["hash_from"]) for row in result.manifest.rows(["path", "hash", "hash_from"])
    }
    assert found["a/t"] == (told[0], "database")
    assert found["b/t"] == (f"md5:{told[1]}", "database")
    assert found["c/t"] == (hashlib.sha256(b"c").hexdigest(), "computed")
    assert found["a/label.json"][1] == "computed"
    assert manifest(result)["d"] == "duplicate of a"  # though the labels tell hashes of two kinds
    assert place.run(looks).decisions == {"skip: same size and hash": 3}


@pytest.mark.parametrize("kind", ["sha256", "md5"])
def test_a_wrong_hash_in_the_labels_is_found_by_the_copy_and_both_are_told(kind: str, place: Place) -> None:
    place.hash_column = "sum"
    for row in place.rows:
        row["sum"] = hashlib.new(kind, row["guid"].encode() if row["guid"] != "b" else b"B").hexdigest()
    with pytest.raises(ReconcileError) as caught:
        place.run(process_func=None, files_at_home=["t"])
    there, expected = hashlib.new(kind, b"b").hexdigest(), place.rows[1]["sum"]
    assert there in str(caught.value) and expected in str(caught.value) and "b/t" in str(caught.value)
    assert not (place.home.reconciled / "b" / "t").exists()
    assert not place.home.complete.exists()


def test_overwrite_copies_and_processes_all_again(place: Place) -> None:
    place.run()
    place.calls.clear()
    assert place.run(overwrite=True).decisions == {"replace: overwrite": 3}
    assert sorted(place.calls) == ["a", "b", "c"]


def test_ids_whose_rows_differ_beside_the_label_are_told_of(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    for guid, site in (("a", "bern"), ("a", "ulm"), ("b", "bern"), ("b", "bern"), ("c", "ulm"), ("c", "bern")):
        place.add(guid, site=site, when=1.0)
    place.rows = place.rows[3:]
    done = place.run()
    assert {row["guid"]: row["site"] for row in done.manifest.kept_ids(["site"])} == {
        "a": "ulm",
        "b": "bern",
        "c": "ulm",
    }
    (told,) = [line for line in capsys.readouterr().err.splitlines() if "several rows" in line]
    assert "2 ids, a the first, with several rows that differ in site: one of them counts" in told


def test_what_was_tampered_with_or_deleted_at_home_is_made_good(place: Place) -> None:
    place.run()
    before = place.at_home()
    place.calls.clear()
    (place.home.reconciled / "a" / "t").write_text("A")
    (place.home.reconciled / "b" / "t").unlink()
    (place.home.reconciled / "c" / "label.json").unlink()
    decisions = place.run().decisions
    assert decisions["replace: hash differs"] == 1
    assert decisions["copy: absent"] == 1
    assert place.at_home() == before
    assert sorted(place.calls) == ["a", "b", "c"]


def test_an_id_whose_processing_failed_is_processed_again_though_it_was_done_before(place: Place) -> None:
    place.run()

    def torn(row: dict[str, Any], files: dict[str, str], home: str, overwrite: bool) -> None:
        Path(home, "label.json").write_text("torn")
        raise ValueError("stopped")

    with pytest.raises(ReconcileError):
        place.run(torn, overwrite=True)
    place.run()
    assert {(place.home.reconciled / guid / "label.json").read_text() for guid in "abc"} == {'"x"'}


def test_missing_files_that_nobody_writes_are_listed(place: Place) -> None:
    with pytest.raises(ReconcileError, match=r"files_at_home: 3 files .*\n  a/page.png\n  b/page.png\n  c/page.png$"):
        place.run(files_at_home=["t", "page.png"])
    assert not place.home.complete.exists()
    place.run()
    assert place.home.complete.exists()


@pytest.mark.parametrize("guid", ["../a", "..", "x/y", "/etc/x", "a\x00b", "a\nb", b"caf\xe9".decode("latin-1") * 200])
def test_a_guid_that_could_leave_the_home_is_refused_and_nothing_is_copied(guid: str, place: Place) -> None:
    place.rows.append({"guid": guid, "label": "x"})
    before = set(place.folder.rglob("*"))
    with pytest.raises(ReconcileError, match="1 id cannot name a folder .* nothing was copied"):
        place.run()
    assert {path.name for path in set(place.folder.rglob("*")) - before} == {place.snapshot.name}


def test_a_guid_that_is_not_utf_8_is_refused(place: Place) -> None:
    import sqlite3

    from finetune.reconcile.labels import read_labels

    with sqlite3.connect(place.folder / "labels.db") as connection:
        connection.execute("CREATE TABLE t AS SELECT CAST('a' AS TEXT) AS guid, 'x' AS label")
        connection.execute("INSERT INTO t VALUES (?, 'x')", (b"caf\xe9",))
    connection.close()
    place.rows = list(read_labels(f"sqlite:///{place.folder}/labels.db", "SELECT * FROM t", {}, None))
    with pytest.raises(ReconcileError, match=r"'caf\\xe9' must not hold"):
        place.run()
    assert not place.home.path.exists()


def test_a_folder_at_home_that_is_a_link_is_refused_and_its_target_stays(place: Place) -> None:
    outside = place.folder / "outside"
    outside.mkdir()
    place.home.reconciled.mkdir(parents=True)
    (place.home.reconciled / "b").symlink_to(outside)
    with pytest.raises(ReconcileError, match="reconciled_artifacts/b is a link"):
        place.run()
    assert list(outside.iterdir()) == []


def test_a_link_in_production_is_refused(place: Place) -> None:
    (place.production / "a" / "t").unlink()
    (place.production / "a" / "t").symlink_to("/etc/hostname")
    with pytest.raises(ReconcileError, match="a/t is a link"):
        place.run()


def test_a_home_within_production_is_refused(place: Place) -> None:
    with pytest.raises(ReconcileError, match="root: must not lie in production"):
        place.run(home=Home(str(place.production / "out"), "EXP-1-x"))


def test_production_stays_as_it_was(place: Place) -> None:
    def state() -> dict[str, tuple[int, int]]:
        paths = [place.production, *place.production.rglob("*")]
        return {str(path): (path.stat().st_mtime_ns, path.stat().st_ctime_ns) for path in paths}

    before = tree(place.production), state()
    place.run()
    place.run(overwrite=True)
    assert (tree(place.production), state()) == before


def test_production_may_be_read_only(place: Place) -> None:
    paths = [place.production, *place.production.rglob("*")]
    for path in paths:
        path.chmod(0o500 if path.is_dir() else 0o400)
    try:
        place.run()
        place.run(overwrite=True)  # what was copied has not become read-only
    finally:
        for path in paths:
            path.chmod(0o700)


def test_a_process_func_that_raises_names_the_id_and_its_folder(place: Place) -> None:
    def fails(row: dict[str, Any], files: dict[str, str], home: str, overwrite: bool) -> None:
        if row["guid"] == "b":
            raise KeyError("title")

    with pytest.raises(ReconcileError, match="process_func raised KeyError: 'title' for id b in .*/b; mend"):
        place.run(fails)


def test_a_file_that_vanished_after_the_listing_is_named(place: Place) -> None:
    snapshot = take_snapshot(place.rows, folder=str(place.production), names=["t"], target=place.folder / "s.parquet")
    (place.production / "b" / "t").unlink()
    with pytest.raises(ReconcileError, match=r"read id b of production: No such file or directory \(.*/b/t\)"):
        reconcile(
            snapshot,
            home=place.home,
            production=str(place.production),
            files_from_production=["t"],
            files_at_home=["t"],
            process_func=None,
            process_hash="",
            overwrite=False,
            workers=1,
            target=place.folder / "m",
        )


def test_labels_and_files_that_share_no_id_are_refused(place: Place) -> None:
    place.rows = [{"guid": "z", "label": "x"}]
    with pytest.raises(ReconcileError, match="no id is left of 1 label rows and 3 ids with files"):
        place.run()


# What follows runs this file as a program: reconcile of <folder>, whose ids are those of its production.

IDS = 2_000


def in_subprocess(folder: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, __file__, str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


def write_label_when_allowed(row: dict[str, Any], files: dict[str, str], home: str, overwrite: bool) -> None:
    while Path(home, "../../../../../wait").exists():
        time.sleep(0.01)
    write_label(row, files, home, overwrite)


def main(folder: Path) -> None:
    place = Place(folder)
    place.rows = [{"guid": guid, "label": "x"} for guid in sorted(os.listdir(place.production))]
    result = place.run(write_label_when_allowed, target=folder / f"manifest-{os.getpid()}.parquet")
    print(json.dumps([str(result.manifest.path), result.decisions]))


def many(folder: Path) -> Place:
    place = Place(folder)
    for number in range(IDS):
        place.add(f"{number:04}", text=f"{number}" * 300)
    return place


def copied(place: Place) -> set[str]:
    return {path.parent.name for path in place.home.reconciled.glob("*/t")}


def begun(place: Place) -> int:
    return len(os.listdir(place.home.reconciled)) if place.home.reconciled.exists() else 0


def test_a_killed_run_is_taken_up_where_it_was(tmp_path: Path) -> None:
    place, undisturbed = many(tmp_path), many(tmp_path / "other")
    expected = undisturbed.run(write_label)
    chance, kills, times = random.Random(7), 0, {}
    for goal in (1, 600, 1_200):
        process = in_subprocess(tmp_path)
        goal += chance.randrange(300)
        while begun(place) < goal and process.poll() is None:
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        kills += process.returncode == -signal.SIGKILL
        now = {guid: (place.home.reconciled / guid / "t").stat().st_mtime_ns for guid in copied(place)}
        assert {guid: now[guid] for guid in times} == times  # what was copied is not copied again
        times = now
    assert kills
    result = place.run(write_label)
    assert result.decisions.get("copy: absent", 0) == IDS - len(times)
    assert result.decisions.get("skip: same size and hash", 0) == len(times)
    assert place.at_home() == undisturbed.at_home()
    assert result.manifest.path.read_bytes() == expected.manifest.path.read_bytes()


def wait_until_one_says(processes: "list[subprocess.Popen[str]]", text: str) -> None:
    """Waits until one of the processes says the text; none may end before."""
    with selectors.DefaultSelector() as selector:
        for process in processes:
            assert process.stderr is not None
            selector.register(process.stderr, selectors.EVENT_READ)
        said = ""
        while ready := selector.select(timeout=60):
            for key, _ in ready:
                chunk = os.read(key.fd, 8_192).decode()  # what readline keeps in its buffer, no select tells of
                said += chunk
                assert chunk, f"a process ended and said {said}"
                if text in said:
                    return
    raise AssertionError(f"no process said {text}, but {said}")


def test_two_processes_reconcile_one_home_one_after_the_other(tmp_path: Path) -> None:
    place = many(tmp_path)
    (tmp_path / "wait").touch()
    processes = [in_subprocess(tmp_path) for _ in range(2)]
    wait_until_one_says(processes, "EXP-1-x's experiment home is busy in process")
    (tmp_path / "wait").unlink()
    ended = [process.communicate(timeout=60) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], ended
    paths, decisions = zip(*(json.loads(out) for out, _ in ended), strict=True)
    assert Path(paths[0]).read_bytes() == Path(paths[1]).read_bytes()
    assert sorted(decisions, key=str) == [{"copy: absent": IDS}, {"skip: same size and hash": IDS}]
    assert copied(place) == {row["guid"] for row in place.rows}


def on_a_small_disk(test: Callable[[Path], None]) -> Callable[[Path], None]:
    """Runs a test with a disk of 256 KiB at tmp_path/out; in a user namespace, where root is needed to mount it."""

    @functools.wraps(test)
    def wrapper(tmp_path: Path) -> None:
        disk = tmp_path / "out"
        disk.mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(disk)]
        inside = ["unshare", "--user", "--map-root-user", "--mount"]
        if os.geteuid() != 0:
            skip_unless_works(*inside, *mount)
            pytest_again = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", os.devnull]
            options = ["--import-mode=importlib", "-o", f"pythonpath={ROOT}", f"{__file__}::{test.__name__}"]
            subprocess.run([*inside, *pytest_again, *options], check=True, cwd=ROOT)
            return
        skip_unless_works(*mount)
        try:
            test(tmp_path)
        finally:
            subprocess.run(["umount", str(disk)], check=True)

    return wrapper


def skip_unless_works(*command: str) -> None:
    if shutil.which(command[0]) is None:
        pytest.skip(f"a small disk cannot be mounted: there is no {command[0]}")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"a small disk cannot be mounted: {done.stderr.strip()}")


def fill(place: Place) -> None:
    place.rows = []
    for number in range(40):
        place.add(f"{number:02}", text=f"{number}" * 5_000)


def enlarge(disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,size=16m", str(disk)], check=True)


@on_a_small_disk
def test_a_full_disk_is_named_and_the_run_goes_on_after_room_is_made(tmp_path: Path) -> None:
    small_disk = tmp_path / "out"
    place = Place(tmp_path)
    fill(place)
    copies = {"process_func": None, "files_at_home": ["t"]}
    with pytest.raises(ReconcileError, match=rf"copy .*/t -> .*/t: the disk {small_disk} is full .*make room"):
        place.run(**copies)
    there = copied(place)
    production = tree(place.production)
    assert there
    assert place.at_home() == {f"{guid}/t": production[f"{guid}/t"] for guid in there}  # and nothing half written
    enlarge(small_disk)
    result = place.run(**copies)
    assert result.decisions["skip: same size and hash"] == len(there)
    assert result.decisions["copy: absent"] == 40 - len(there)


@on_a_small_disk
def test_a_disk_that_process_func_fills_is_named(tmp_path: Path) -> None:
    small_disk = tmp_path / "out"
    place = Place(tmp_path)
    place.add("a")

    def write_much(row: dict[str, Any], files: dict[str, str], home: str, overwrite: bool) -> None:
        Path(home, "label.json").write_bytes(b"0" * 1_000_000)

    with pytest.raises(ReconcileError, match=f"process_func raised OSError.* for id a .*the disk {small_disk} is full"):
        place.run(write_much)
    enlarge(small_disk)
    place.run(write_much)
    assert (place.home.reconciled / "a" / "label.json").stat().st_size == 1_000_000


if __name__ == "__main__":
    main(Path(sys.argv[1]))
