"""Which trackers a run has: those of its config, and over nothing those of its stack. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from finetune.tracking.settings import Credentials, Mlflow, Wandb

PROJECT = "finetune"
MLFLOW = {
    "MLFLOW_TRACKING_USERNAME": "tracking_username",
    "MLFLOW_TRACKING_PASSWORD": "tracking_password",
    "MLFLOW_TRACKING_TOKEN": "tracking_token",
}
"""The variables that MLflow reads, and the settings of ZenML's component."""
INSECURE, KEY = "MLFLOW_TRACKING_INSECURE_TLS", "WANDB_API_KEY"


@dataclass(frozen=True)
class Component:
    """An experiment tracker of the stack."""

    flavor: str
    values: Mapping[str, Any] = field(repr=False)
    """Its settings, secrets filled in."""


@dataclass(frozen=True)
class Chosen:
    """Trackers and their credentials."""

    mlflow: Mlflow | None
    wandb: Wandb | None
    credentials: Credentials


def chosen(config: Mapping[str, Any], components: Sequence[Component], environment: Mapping[str, str]) -> Chosen:
    """Decides.

    A component's credentials go to the component's own address and to no other: where the config names another MLflow,
    they stay out. A wandb key of the environment goes before the component's.

    Args:
        config: The config's `tracking` section.
        components: The stack's trackers; of two of one flavor the first counts.
        environment: Of this process.
    """
    by_flavor = {component.flavor: component.values for component in reversed(components)}
    mlflow, own = _mlflow(config.get("mlflow"), by_flavor.get("mlflow"))
    wandb = _wandb(config.get("wandb"), by_flavor.get("wandb"))
    key = by_flavor.get("wandb", {}).get("api_key")
    keys = {KEY: str(key)} if wandb and key and not environment.get(KEY) else {}
    return Chosen(mlflow, wandb, Credentials({**own, **keys}))


def _mlflow(
    config: Mapping[str, Any] | None, component: Mapping[str, Any] | None
) -> tuple[Mlflow | None, dict[str, str | None]]:
    there = (component or {}).get("tracking_uri")
    uri = config["uri"] if config else there
    if uri is None:
        return None, {}
    if component is None or uri != there:
        return Mlflow(uri), {}
    found: dict[str, str | None] = {name: component.get(setting) for name, setting in MLFLOW.items()}
    if not any(found.values()):
        return Mlflow(uri), {}
    return Mlflow(uri), found | ({INSECURE: "true"} if component.get("tracking_insecure_tls") else {})


def _wandb(config: Mapping[str, Any] | None, component: Mapping[str, Any] | None) -> Wandb | None:
    if config is None and component is None:
        return None
    own, theirs = config or {}, component or {}
    mode = own.get("mode", "online")
    if mode == "disabled":
        return None
    project = own.get("project") or theirs.get("project_name") or PROJECT
    return Wandb(project, own.get("entity") or theirs.get("entity"), offline=mode == "offline")
