import subprocess
import sys
from pathlib import Path

import boto3
import pytest

from finetune.errors import StorageError
from finetune.storage.cache import local_folder
from finetune.storage.publish import publish
from tests.finetune.s3_server import objects, put

ROOT = Path(__file__).parents[3]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "sample"
    for name in ("files/a/t", "files/b/t", "labels.db"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    return folder


def test_a_folder_is_published_and_what_is_there_is_skipped(folder: Path, bucket: str) -> None:
    assert publish(folder, f"s3://{bucket}/p") == {"copy: absent": 3}
    assert objects(bucket)["p/files/b/t"] == b"files/b/t"
    boto3.client("s3").delete_object(Bucket=bucket, Key="p/files/a/t")
    put(bucket, {"p/labels.db": b"LABELS.DB"})
    assert publish(folder, f"s3://{bucket}/p") == {
        "copy: absent": 1,
        "replace: hash differs": 1,
        "skip: same size and hash": 1,
    }
    assert objects(bucket)["p/labels.db"] == b"labels.db"


def test_a_folder_of_s3_is_fetched_once(bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    put(bucket, {"model/a": b"1", "model/below/b": b"2"})
    found = local_folder(f"s3://{bucket}/model")
    assert {path.relative_to(found).as_posix() for path in found.rglob("*") if path.is_file()} == {"a", "below/b"}
    boto3.client("s3").delete_object(Bucket=bucket, Key="model/a")
    assert local_folder(f"s3://{bucket}/model") == found
    assert (found / "a").read_text() == "1"
    assert local_folder("/x") == Path("/x")
    with pytest.raises(StorageError, match=f"fetch s3://{bucket}/none: there is nothing"):
        local_folder(f"s3://{bucket}/none")


def test_a_sample_is_published_from_the_command_line(bucket: str, tmp_path: Path) -> None:
    """The sample's own data takes minutes on a small server, so a folder that is built already stands for it."""
    built = tmp_path / "outputs" / "production" / "license_mentions"
    (built / "files" / "x").mkdir(parents=True)
    (built / "files" / "x" / "raw_text.json").write_text("{}")
    (built / "labels.db").write_text("db")
    command = [sys.executable, str(ROOT / "experiments" / "license_mentions" / "sample.py")]
    for _ in range(2):
        done = subprocess.run([*command, "--to", f"s3://{bucket}/p/"], cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    assert objects(bucket) == {"p/files/x/raw_text.json": b"{}", "p/labels.db": b"db"}
    assert "kept 2 files (same size and hash)" in done.stderr
    done = subprocess.run([*command, "--to", "s3://no-such-bucket"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 2
    assert "no-such-bucket: the bucket does not exist" in done.stderr
