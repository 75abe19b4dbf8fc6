"""Settings of components, checked by ZenML's own flavors: trackers and the image builder of AWS among them."""

import json
import sys
from pathlib import Path

import pytest

from tests.stacks.asking import asked

# A process for each apply: ZenML's client keeps a stack as it first saw it.
APPLY = """
import json
from pathlib import Path
import stacks.files
from cli.environment import quiet_defaults
quiet_defaults()
stacks.files.FOLDER = Path.cwd()
from zenml.client import Client
from finetune.errors import FinetuneError
from stacks.apply import apply
try:
    Client().activate_stack(apply("tracked"))
except FinetuneError as error:
    print(error)
else:
    kept = {each.name: each.configuration for each in Client().list_stack_components(hydrate=True).items}
    active = Client().active_stack
    trackers = active.experiment_trackers
    told = {
        "kept": kept,
        "builder": active.image_builder.config.code_build_project,
        "trackers": {name: [type(each).__name__, each.name] for name, each in trackers.items()},
        "token": trackers["tracked-mlflow"].config.tracking_token,
        "key": trackers["boards"].config.api_key,
        "entity": trackers["boards"].config.entity,
    }
    print(json.dumps(told))
"""
SECRETS = """
from zenml.client import Client
Client().create_secret("mlflow", {"token": "planted-token"})
Client().create_secret("wandb", {"key": "planted-key"})
"""
STACK = """
components:
  orchestrator: {name: default, flavor: local}
  artifact_store: {name: default, flavor: local}
  image_builder: {flavor: aws, code_build_project: PROJECT}
  experiment_tracker:
    - {flavor: mlflow, tracking_uri: "https://mlflow.example.com", tracking_token: "{{mlflow.token}}"}
    - {name: boards, flavor: wandb, entity: TEAM, project_name: finetune, api_key: "{{wandb.key}}"}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One ZenML database for the module's tests: making one takes seconds."""
    return tmp_path_factory.mktemp("tracked")


def applied(folder: Path, stack: str) -> str:
    """What was said of a stack file, the last line."""
    (folder / "tracked.yaml").write_text(stack, encoding="utf-8")
    return asked(folder, APPLY)[-1]


def test_a_secret_that_zenml_has_not_is_named_with_the_key_and_the_command(folder: Path) -> None:
    said = applied(folder, STACK)
    assert said.startswith("components.experiment_tracker.tracking_token: ZenML has no secret mlflow"), said
    assert "zenml secret create mlflow" in said


def test_both_trackers_and_the_builder_are_registered_active_and_updated_their_secrets_left_as_references(
    folder: Path,
) -> None:
    asked(folder, SECRETS)
    first, second = (
        json.loads(applied(folder, STACK.replace("PROJECT", project).replace("TEAM", team)))
        for project, team in (("images", "one"), ("pictures", "two"))
    )
    assert first["kept"]["tracked"] == {"code_build_project": "images"}
    assert first["kept"]["tracked-mlflow"]["tracking_token"] == "{{mlflow.token}}"
    assert second["kept"]["boards"] == {"api_key": "{{wandb.key}}", "entity": "two", "project_name": "finetune"}
    assert "planted" not in json.dumps([first["kept"], second["kept"]])
    assert first["kept"].keys() == second["kept"].keys()
    assert (first["builder"], second["builder"], second["entity"]) == ("images", "pictures", "two")
    assert second["trackers"] == {
        "tracked-mlflow": ["MLFlowExperimentTracker", "tracked-mlflow"],
        "boards": ["WandbExperimentTracker", "boards"],
    }
    assert (second["token"], second["key"]) == ("planted-token", "planted-key"), "who uses it reads the value"


CHECKED = """
from finetune.errors import ConfigError
from stacks.components import Registered
from stacks.settings import checked
for flavor, settings in (
    ("aws", {"code_build_projekt": "x"}), ("aws", {}), ("awz", {}), ("aws", {"code_build_project": ["planted"]})
):
    try:
        checked(Registered("image_builder", "builder", flavor, settings))
    except ConfigError as error:
        print(str(error).replace(chr(10), " "))
"""


def test_a_setting_that_the_flavor_refuses_is_named_without_its_value(folder: Path) -> None:
    extra, absent, unknown, wrong = asked(folder, CHECKED)[-4:]
    assert extra.startswith("components.image_builder: ") and "code_build_projekt" in extra
    assert absent == "components.image_builder.code_build_project: Field required"
    assert unknown.startswith("components.image_builder: ") and "awz" in unknown
    assert wrong.startswith("components.image_builder.code_build_project: ") and "planted" not in wrong


SIZE = """
import sys
from cli.environment import quiet_defaults
quiet_defaults()
from zenml.integrations.registry import integration_registry
integration_registry.activate_integrations()
print(sorted({"mlflow", "wandb"} & sys.modules.keys()))
"""


def test_a_stack_without_trackers_loads_neither(folder: Path) -> None:
    assert asked(folder, SIZE)[-1] == "[]", sys.executable
