"""What is refused before a run begins: a database of MLflow that cannot be one. No server is asked."""

import os
from pathlib import Path

import pytest

from finetune.config.tracking import MlflowConfig, TrackingConfig
from finetune.errors import ConfigError
from finetune.tracking.check import check_tracking


def checked(uri: str) -> None:
    config = TrackingConfig(mlflow=MlflowConfig(uri=uri))
    check_tracking(config, config)


def test_a_file_to_be_made_in_folders_to_be_made_is_good(tmp_path: Path) -> None:
    checked(f"sqlite:///{tmp_path}/a/b/mlflow.db")
    assert not list(tmp_path.iterdir())


def test_a_server_is_not_asked_and_nothing_is_checked_without_a_tracker() -> None:
    checked("http://127.0.0.1:9")
    check_tracking(TrackingConfig(), TrackingConfig())


def test_a_database_that_the_stack_cannot_use_is_said(capfd: pytest.CaptureFixture[str]) -> None:
    check_tracking(TrackingConfig(mlflow=MlflowConfig(uri="sqlite:///a.db")), TrackingConfig())
    assert "tracking.mlflow.uri: sqlite:///a.db is of this machine" in capfd.readouterr().err


def test_a_folder_and_a_file_in_the_way_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"tracking.mlflow.uri: must name a file, but .* is a folder; write sqlite"):
        checked(f"sqlite:///{tmp_path}")
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match=r"tracking.mlflow.uri: .*mlflow.db cannot be made, because .*file is a file"):
        checked(f"sqlite:///{tmp_path}/file/mlflow.db")


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_place_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(mode=0o500)
    with pytest.raises(ConfigError, match=r"tracking.mlflow.uri: .*closed cannot be written"):
        checked(f"sqlite:///{tmp_path}/closed/mlflow.db")
