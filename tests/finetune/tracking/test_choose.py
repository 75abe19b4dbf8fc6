"""Which trackers a run has, and which credentials reach them."""

from typing import Any

import pytest

from finetune.tracking.choose import Component, chosen
from finetune.tracking.settings import Mlflow, Wandb

THERE = "https://mlflow.team"
MLFLOW = Component("mlflow", {"tracking_uri": THERE, "tracking_token": "planted", "tracking_insecure_tls": True})
WANDB = Component("wandb", {"project_name": "boards", "entity": "team", "api_key": "planted"})
NOTHING: dict[str, Any] = {"mlflow": None, "wandb": None}


def test_without_a_section_and_without_components_there_is_no_tracker() -> None:
    for config in ({}, NOTHING):
        found = chosen(config, [], {})
        assert (found.mlflow, found.wandb, dict(found.credentials.variables)) == (None, None, {})


def test_the_stacks_trackers_serve_a_config_that_names_none() -> None:
    found = chosen(NOTHING, [WANDB, MLFLOW], {})
    assert (found.mlflow, found.wandb) == (Mlflow(THERE), Wandb("boards", "team"))
    assert found.credentials.variables == {
        "MLFLOW_TRACKING_TOKEN": "planted",
        "MLFLOW_TRACKING_USERNAME": None,
        "MLFLOW_TRACKING_PASSWORD": None,
        "MLFLOW_TRACKING_INSECURE_TLS": "true",
        "WANDB_API_KEY": "planted",
    }
    assert "planted" not in repr(found)
    assert "planted" not in repr(MLFLOW)


def test_the_configs_names_go_before_those_of_the_stack() -> None:
    config = {"mlflow": {"uri": "https://mine"}, "wandb": {"project": "mine", "entity": None, "mode": "offline"}}
    found = chosen(config, [MLFLOW, WANDB], {})
    assert (found.mlflow, found.wandb) == (Mlflow("https://mine"), Wandb("mine", "team", offline=True))


def test_a_components_credentials_go_to_no_other_address() -> None:
    found = chosen({"mlflow": {"uri": "https://mine"}}, [MLFLOW], {})
    assert not found.credentials.variables
    same = chosen({"mlflow": {"uri": THERE}}, [MLFLOW], {})
    assert same.credentials.variables["MLFLOW_TRACKING_TOKEN"] == "planted"


def test_a_component_without_credentials_leaves_those_of_the_environment() -> None:
    assert not chosen({}, [Component("mlflow", {"tracking_uri": THERE})], {}).credentials.variables


def test_a_key_of_the_environment_goes_before_the_components() -> None:
    assert not chosen({}, [WANDB], {"WANDB_API_KEY": "own"}).credentials.variables


@pytest.mark.parametrize("components", [[], [WANDB]])
def test_disabled_switches_wandb_off_wherever_it_stands(components: list[Component]) -> None:
    found = chosen({"wandb": {"mode": "disabled"}}, components, {})
    assert found.wandb is None
    assert not found.credentials.variables


def test_a_component_without_an_address_is_no_tracker() -> None:
    assert chosen({}, [Component("mlflow", {}), Component("comet", {"api_key": "k"})], {}).mlflow is None


def test_wandb_has_a_project_without_being_told() -> None:
    assert chosen({"wandb": {"mode": "online"}}, [], {}).wandb == Wandb("finetune")
