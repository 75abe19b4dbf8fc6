"""`tracking:`: addresses without passwords, and names that trackers take."""

from collections.abc import Callable

import pytest

from finetune.config.load import load_config, resolved
from finetune.errors import ConfigError

Write = Callable[..., str]


def refused(path: str) -> str:
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    return str(caught.value)


def test_nothing_is_tracked_unless_a_tracker_is_named(write: Write) -> None:
    assert resolved(load_config(write()))["tracking"] == {"mlflow": None, "wandb": None}


@pytest.mark.parametrize(
    "uri", ["sqlite:///outputs/mlflow.db", "http://127.0.0.1:5000", "https://mlflow.example.com/team/a@b"]
)
def test_a_server_or_an_sqlite_file_is_an_address(write: Write, uri: str) -> None:
    tracking = load_config(write(f"tracking: {{mlflow: {{uri: '{uri}'}}, wandb: {{mode: offline}}}}\n")).tracking
    assert tracking.mlflow is not None and tracking.mlflow.uri == uri
    assert tracking.wandb is not None and tracking.wandb.project is None


@pytest.mark.parametrize(
    "uri", ["mlruns", "file:///mlruns", "sqlite:///", "sqlite:///a.db?mode=ro", "https://", "ftp://a"]
)
def test_another_address_is_refused_with_what_it_must_be(write: Write, uri: str) -> None:
    said = refused(write(f"tracking:\n  mlflow: {{uri: '{uri}'}}\n"))
    assert said.startswith("x.yaml:8: tracking.mlflow: uri must be https://HOST, http://HOST:PORT, or an SQLite file")


def test_a_password_in_the_address_is_refused_and_not_shown(write: Write) -> None:
    said = refused(write("tracking:\n  mlflow: {uri: 'https://me:hunter2@mlflow.example.com'}\n"))
    assert "set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD" in said
    assert "hunter2" not in said


def test_a_key_for_a_secret_is_not_known(write: Write) -> None:
    said = refused(write("tracking:\n  wandb: {api_key: hunter2}\n"))
    assert said == "x.yaml:8: tracking.wandb.api_key: unknown key; known keys are project, entity, mode"


def test_a_name_that_wandb_does_not_take_is_refused(write: Write) -> None:
    assert "tracking.wandb.project: must match" in refused(write("tracking: {wandb: {project: 'a/b'}}\n"))
