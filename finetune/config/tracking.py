"""`tracking:` says which trackers a run's numbers are sent to; without it there are those of the stack, or none."""

import re
from typing import Annotated, Literal, Self

from pydantic import StringConstraints, model_validator

from finetune.config.section import Section

SQLITE = "sqlite:///"
_SERVER = re.compile(r"https?://[^/\s]+(/\S*)?")

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]+$", max_length=128)]
"""What wandb takes as the name of a project or team."""


class MlflowConfig(Section):
    """An MLflow server, or a database on this machine."""

    uri: str
    """`https://mlflow.example.com`, or an SQLite file of this machine: `sqlite:///outputs/mlflow.db`. User and
    password, or a token, stand in MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN."""

    @model_validator(mode="after")
    def _address_without_password(self) -> Self:
        # The values are not shown: they may hold a password.
        if self.uri.startswith(SQLITE) and len(self.uri) > len(SQLITE) and "?" not in self.uri:
            return self
        if not _SERVER.fullmatch(self.uri):
            raise ValueError(
                "uri must be https://HOST, http://HOST:PORT, or an SQLite file such as sqlite:///mlflow.db"
            )
        if "@" in self.uri.partition("://")[2].partition("/")[0]:
            raise ValueError(
                "uri holds a user or password in clear: leave them out, and set MLFLOW_TRACKING_USERNAME and "
                "MLFLOW_TRACKING_PASSWORD"
            )
        return self


class WandbConfig(Section):
    """Weights & Biases; the key stands in WANDB_API_KEY, or where `wandb login` puts it."""

    project: Name | None = None
    """Default: that of the stack's wandb component, else `finetune`."""
    entity: Name | None = None
    """User or team; default: that of the stack's wandb component, else the key's own."""
    mode: Literal["online", "offline", "disabled"] = "online"
    """offline writes below the run's folder, for `wandb sync`; disabled also switches off that of the stack."""


class TrackingConfig(Section):
    """One tracker, both, or none; a tracker that does not answer fails and slows no run."""

    mlflow: MlflowConfig | None = None
    """An MLflow server or database; without it that of the stack's mlflow component, if it has one."""
    wandb: WandbConfig | None = None
    """Weights & Biases; without it as the stack's wandb component says, if it has one."""
