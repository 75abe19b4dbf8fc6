"""wandb for real, and never on the internet: runs on disk, and servers of this machine that refuse or hang."""

import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from wandb.proto.wandb_internal_pb2 import Record

from finetune.tracking.settings import Wandb
from finetune.tracking.trackers import opened
from tests.finetune.tracking.conftest import Track, hanging, refusing

BLOCK, HEADER = 32768, 7


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No key, and a working directory and home that stay empty."""
    for name in ("WANDB_API_KEY", "WANDB_MODE", "WANDB_DIR"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("WANDB_BASE_URL", "http://127.0.0.1:9")


def records(file: Path) -> Iterator[Any]:
    """The records of a .wandb file: LevelDB's log format, after a header of 7 bytes."""
    content, whole, at = file.read_bytes(), b"", HEADER
    while at < len(content):
        if BLOCK - at % BLOCK < HEADER:
            at += BLOCK - at % BLOCK
            continue
        _, size, kind = struct.unpack("<IHB", content[at : at + HEADER])
        whole += content[at + HEADER : at + HEADER + size]
        at += HEADER + size
        if kind in (1, 4):  # a whole record, or the last piece of one
            yield Record.FromString(whole)
            whole = b""


def only(folder: Path, pattern: str = "offline-run-*") -> Path:
    (file,) = folder.glob(f"wandb/{pattern}/*.wandb")
    return file


def history(file: Path) -> list[dict[str, Any]]:
    found = [record.history.item for record in records(file) if record.WhichOneof("record_type") == "history"]
    rows = [{item.key or item.nested_key[0]: json.loads(item.value_json) for item in items} for items in found]
    return [{name: value for name, value in row.items() if not name.startswith("_")} for row in rows]


def test_without_a_key_nobody_is_asked_for_one(track: Track, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with opened(track(wandb=Wandb("words"))):  # first of all tests: wandb remembers a key that it has seen
        pass
    assert "wandb: words cannot be reached (there is no key; set WANDB_API_KEY)" in capfd.readouterr().err
    assert only(tmp_path / "run").is_file()


def test_a_step_is_written_below_the_runs_folder_with_group_name_and_job_type(track: Track, tmp_path: Path) -> None:
    with opened(track(wandb=Wandb("words", "team", offline=True))) as trackers:
        for step in (10, 20):
            trackers.metrics({"loss": 1 / step}, step)
    file = only(tmp_path / "run")
    (run,) = [record.run for record in records(file) if record.WhichOneof("record_type") == "run"]
    told = (run.entity, run.project, run.run_group, run.display_name, run.job_type)
    assert told == ("team", "words", "EXP-1-words", "7", "train")
    assert {each.key: json.loads(each.value_json) for each in run.config.update if "." in each.key} == {
        "train.epochs": 3,
        "production.labels.url": "${env:DB}",
    }
    assert [row["loss"] for row in history(file)] == [0.1, 0.05]
    (code,) = [record.exit.exit_code for record in records(file) if record.WhichOneof("record_type") == "exit"]
    assert code == 0
    assert any(record.WhichOneof("record_type") == "stats" for record in records(file)), "wandb watches the machine"
    assert not list((tmp_path / "here").iterdir()), "nothing in the working directory"


def test_a_resumed_step_goes_on_in_the_run_of_its_id_and_other_steps_have_their_own(
    track: Track, tmp_path: Path
) -> None:
    offline = Wandb("words", offline=True)
    with pytest.raises(KeyboardInterrupt), opened(track(wandb=offline)):
        raise KeyboardInterrupt
    for step in ("train", "train_small", "evaluate"):
        with opened(track(wandb=offline, step=step)) as trackers:
            trackers.file("report.html", b"<p>report</p>")
            trackers.file("confusion.svg", b"<svg/>")
    files = list(tmp_path.glob("run/wandb/offline-run-*/*.wandb"))
    runs = [record.run for file in files for record in records(file) if record.WhichOneof("record_type") == "run"]
    assert sorted((run.run_id[:-9], run.display_name, run.job_type) for run in runs) == [
        ("EXP-1-words-7-evaluate", "7", "evaluate"),
        ("EXP-1-words-7-train", "7", "train"),
        ("EXP-1-words-7-train", "7", "train"),
        ("EXP-1-words-7-train_small", "7 small", "train"),
    ]
    assert len({run.run_id for run in runs}) == 3
    pages = [
        path.read_text(encoding="utf-8") for path in tmp_path.glob("run/wandb/offline-run-*/files/media/html/*.html")
    ]
    assert sum("<p>report</p>" in page for page in pages) == 3
    assert sum("data:image/svg+xml" in page for page in pages) == 3


@pytest.mark.parametrize("broken", [refusing, hanging])
def test_a_server_that_is_down_is_said_once_and_the_run_is_written_to_disk(
    broken: Any, track: Track, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("finetune.tracking.wandb_tracker.INIT_S", 2.0)
    monkeypatch.setenv("WANDB_API_KEY", "0" * 40)
    with broken() as address:
        monkeypatch.setenv("WANDB_BASE_URL", address)
        for step in ("train", "evaluate"):
            with opened(track(wandb=Wandb("words"), step=step)) as trackers:
                trackers.metrics({"loss": 0.5}, 1)
    said = capfd.readouterr().err
    assert said.count("wandb: words cannot be reached") == 1, said
    assert "Traceback" not in said
    assert f"{tmp_path}/run/wandb" in said
    assert history(only(tmp_path / "run", "offline-run-*-train-*")) == [{"loss": 0.5}]
