"""A step's trackers as ZenML gives them: address and credentials of components, secrets read in the step."""

import json
from pathlib import Path

import pytest

from tests.stacks.asking import asked

# One process for all cases: ZenML makes its database once.
PROGRAM = """
import json, os, sys
from zenml import pipeline, step
from zenml.client import Client
from zenml.enums import StackComponentType
from steps.tracking import tracking

NAMES = ("MLFLOW_TRACKING_TOKEN", "WANDB_API_KEY")
TOLD = []

@step(enable_cache=False)
def train_small() -> None:
    with tracking() as told:
        inside = {name: os.environ.get(name) for name in NAMES}
    if told:
        assert "planted" not in json.dumps(told.to_dict()) + repr(told)
    outside = {name: os.environ.get(name) for name in NAMES}
    loaded = sorted({"mlflow", "wandb"} & sys.modules.keys())
    TOLD.append([told and told.to_dict(), inside, outside, loaded])

@pipeline
def work() -> None:
    train_small()

def run(**tracking):
    config = {"root": "ROOT", "train": {"epochs": 3}, "tracking": tracking}
    facts = {"experiment": "EXP-1-words", "run_number": 7, "started": "2026-11-20T10:00:00+00:00", "config": config}
    work.with_options(extra=facts)()

client = Client()
run()
client.create_secret("trackers", {"token": "planted-token", "key": "planted-key"})
store = client.active_stack_model.components[StackComponentType.ARTIFACT_STORE][0].id
runs_it = client.active_stack_model.components[StackComponentType.ORCHESTRATOR][0].id
add = lambda name, **values: client.create_stack_component(name, name, StackComponentType.EXPERIMENT_TRACKER, values).id
ids = [
    add("mlflow", tracking_uri="http://127.0.0.1:9", tracking_token="{{trackers.token}}"),
    add("wandb", entity="team", project_name="boards", api_key="{{trackers.key}}"),
]
parts = {"orchestrator": [runs_it], "artifact_store": [store], "experiment_tracker": ids}
client.create_stack("tracked", {StackComponentType(kind): some for kind, some in parts.items()})
client.activate_stack("tracked")
run()
run(mlflow={"uri": "http://127.0.0.1:8"}, wandb={"mode": "disabled"})
client.delete_secret("trackers")
os.environ["ZENML_SECRET_VALIDATION_LEVEL"] = "NONE"  # gone after the run began
run()
print(json.dumps(TOLD))
"""


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> list[list[object]]:
    folder = tmp_path_factory.mktemp("tracked")
    found: list[list[object]] = json.loads(asked(folder, PROGRAM.replace("ROOT", str(folder / "outputs")))[-1])
    return found


def test_without_a_section_and_components_there_is_none_and_none_is_loaded(told: list[list[object]]) -> None:
    assert told[0][0] is None
    assert told[0][3] == []


def test_a_stacks_trackers_serve_every_config_and_their_secrets_are_there_while_the_step_works(told: list) -> None:
    found, inside, outside, _ = told[1]
    assert found["mlflow"] == {"uri": "http://127.0.0.1:9"}
    assert found["wandb"] == {"project": "boards", "entity": "team", "offline": False}
    assert (found["experiment"], found["run_number"], found["step"]) == ("EXP-1-words", 7, "train_small")
    assert found["parameters"]["train.epochs"] == 3
    assert Path(found["run"]).parts[-4:] == ("outputs", "EXP-1-words", "runs", "7")
    assert inside == {"MLFLOW_TRACKING_TOKEN": "planted-token", "WANDB_API_KEY": "planted-key"}
    assert outside == {"MLFLOW_TRACKING_TOKEN": None, "WANDB_API_KEY": None}


def test_the_config_goes_before_the_stack_and_its_address_gets_no_credentials_of_another(told: list) -> None:
    found, inside, _, _ = told[2]
    assert (found["mlflow"], found["wandb"]) == ({"uri": "http://127.0.0.1:8"}, None)
    assert inside == {"MLFLOW_TRACKING_TOKEN": None, "WANDB_API_KEY": None}


def test_a_secret_that_is_gone_fails_no_step(told: list) -> None:
    assert told[3][0] is None
