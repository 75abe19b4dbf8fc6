"""What travels to training processes, and what does not."""

import json
import os

import pytest

from finetune.tracking.settings import Credentials, Tracking, Wandb, flattened
from tests.finetune.tracking.conftest import Track


def test_what_is_tracked_travels_as_json(track: Track) -> None:
    for told in (track(), track("http://127.0.0.1:1", Wandb("project", "team", offline=True))):
        assert Tracking.from_dict(json.loads(json.dumps(told.to_dict()))) == told


def test_credentials_are_in_the_environment_for_a_while_and_in_no_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "mine")
    monkeypatch.delenv("MLFLOW_TRACKING_TOKEN", raising=False)
    credentials = Credentials({"MLFLOW_TRACKING_TOKEN": "planted", "MLFLOW_TRACKING_USERNAME": None})
    assert "planted" not in f"{credentials!r} {credentials}"
    with pytest.raises(ValueError), credentials.in_environment():
        assert os.environ["MLFLOW_TRACKING_TOKEN"] == "planted"
        assert "MLFLOW_TRACKING_USERNAME" not in os.environ
        raise ValueError
    assert os.environ["MLFLOW_TRACKING_USERNAME"] == "mine"
    assert "MLFLOW_TRACKING_TOKEN" not in os.environ


def test_parameters_have_dotted_keys_and_references_stay_as_they_stand() -> None:
    config = {"a": {"b": {"c": 1}, "url": "${env:DB}"}, "names": ["x", "y"], "none": None, "on": True}
    assert flattened(config) == {"a.b.c": 1, "a.url": "${env:DB}", "names": "['x', 'y']", "on": True}
