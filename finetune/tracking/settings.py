"""What is tracked, and where: plain values that travel to training processes, and credentials, which do not."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field
from typing import Any

from finetune.variables import variables


@dataclass(frozen=True)
class Mlflow:
    """An MLflow server or database."""

    uri: str


@dataclass(frozen=True)
class Wandb:
    """Weights & Biases; where it is, WANDB_BASE_URL says."""

    project: str
    entity: str | None = None
    offline: bool = False


@dataclass(frozen=True)
class Tracking:
    """One step of one run, as its trackers know it; holds no secrets."""

    experiment: str
    run_number: int
    started: str
    """When the run was claimed: two homes may both have a run 7 of an experiment."""
    step: str
    """Its name in the pipeline: `train`, or `train_NAME` where there are several models."""
    parameters: dict[str, str | int | float | bool]
    """The resolved config with dotted keys, references to secrets left as they stand."""
    run: str
    """The run's folder, where what wandb wrote to disk is found later."""
    local: str
    """A folder of this machine below which wandb writes: the same, or one whose files are copied there."""
    scratch: str
    """A folder of this machine that all steps of a process, and the processes of a step, share; marks lie there."""
    mlflow: Mlflow | None = None
    wandb: Wandb | None = None

    def to_dict(self) -> dict[str, Any]:
        """As JSON has it, for another process."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Tracking":
        """The same again."""
        mlflow, wandb = values["mlflow"], values["wandb"]
        return cls(
            **{**values, "mlflow": Mlflow(**mlflow) if mlflow else None, "wandb": Wandb(**wandb) if wandb else None}
        )


@dataclass(frozen=True)
class Credentials:
    """Variables of the environment that trackers read, by name; a value of None stands for one that must not be set."""

    variables: Mapping[str, str | None] = field(default_factory=dict, repr=False)

    def in_environment(self) -> AbstractContextManager[None]:
        """Sets them for a while; processes that start meanwhile have them, too."""
        return variables(self.variables)


def flattened(config: Mapping[str, Any], above: str = "") -> dict[str, str | int | float | bool]:
    """A config with dotted keys; a list becomes a text, and what is None is left out."""
    flat: dict[str, str | int | float | bool] = {}
    for key, value in config.items():
        if isinstance(value, Mapping):
            flat |= flattened(value, f"{above}{key}.")
        elif value is not None:
            flat[f"{above}{key}"] = value if isinstance(value, str | int | float | bool) else str(value)
    return flat
