import os
from pathlib import Path

import pytest

from finetune.errors import StorageError
from finetune.storage.client import s3_client
from finetune.storage.folder import PART, fetch_folder, put_folder
from tests.finetune.s3_server import Weather, objects


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of several parts, one of one, an empty one, and an index, in two folders."""
    folder = tmp_path_factory.mktemp("source")
    (folder / "train").mkdir()
    (folder / "train" / "data.arrow").write_bytes(os.urandom(1024) * (2 * PART // 1024 + 5))
    (folder / "train" / "state.json").write_text("{}")
    (folder / "empty").write_bytes(b"")
    (folder / "index.json").write_text('{"splits": ["train"]}')
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_folder_comes_back_byte_by_byte(source: Path, bucket: str, tmp_path: Path) -> None:
    put_folder(source, f"s3://{bucket}/kept/artifact", last=["index.json"])
    fetch_folder(f"s3://{bucket}/kept/artifact", tmp_path / "back")
    assert contents(tmp_path / "back") == contents(source)
    parts = s3_client().head_object(Bucket=bucket, Key="kept/artifact/train/data.arrow")["ETag"]
    assert parts.endswith('-3"')


def test_failures_of_a_moment_are_tried_again(source: Path, bucket: str, weather: Weather, tmp_path: Path) -> None:
    weather.rules(
        {"operation": "PutObject", "times": 3, "error": {"code": "SlowDown", "status": 503}},
        {"operation": "GetObject", "times": 2, "reset": True},
    )
    put_folder(source, f"s3://{bucket}/kept")
    fetch_folder(f"s3://{bucket}/kept", tmp_path / "back")
    assert contents(tmp_path / "back") == contents(source)
    assert len(weather.fired()) == 5


def test_an_upload_that_breaks_off_leaves_neither_index_nor_parts(source: Path, bucket: str, weather: Weather) -> None:
    weather.rules({"operation": "PutObject", "error": {"code": "AccessDenied", "status": 403}})
    with pytest.raises(StorageError, match=r"copy \S+ -> s3://\S+/kept/"):
        put_folder(source, f"s3://{bucket}/kept", last=["index.json"])
    assert "kept/index.json" not in objects(bucket)
    assert s3_client().list_multipart_uploads(Bucket=bucket).get("Uploads", []) == []
