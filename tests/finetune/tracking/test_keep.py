"""What wandb wrote to disk on a machine that goes away is kept in S3."""

from pathlib import Path

import boto3
import pytest

from finetune.storage.uri import S3Uri
from finetune.tracking.keep import keep


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    for name in ("offline-run-1-a/run-a.wandb", "offline-run-1-a/files/media/report.html", "run-2-b/run-b.wandb"):
        file = tmp_path / "wandb" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(name, encoding="utf-8")
    (tmp_path / "wandb" / "latest-run").symlink_to("offline-run-1-a")
    return tmp_path


def test_runs_that_were_not_sent_are_copied_whole_and_no_other(bucket: str, scratch: Path) -> None:
    keep(scratch, S3Uri(bucket, "home/runs/7"))
    found = boto3.client("s3").list_objects_v2(Bucket=bucket)["Contents"]
    assert [each["Key"] for each in found] == [
        "home/runs/7/wandb/offline-run-1-a/files/media/report.html",
        "home/runs/7/wandb/offline-run-1-a/run-a.wandb",
    ]


def test_what_cannot_be_copied_is_said_and_raises_nothing(
    bucket: str, scratch: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    keep(scratch, S3Uri("no-such-bucket-here", "home/runs/7"))
    assert "wandb: what was written to disk cannot be kept in s3://no-such-bucket-here/home/runs/7: " in (
        capfd.readouterr().err
    )
