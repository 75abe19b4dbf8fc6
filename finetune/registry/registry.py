"""What a registry of models can do."""

from dataclasses import dataclass
from typing import Protocol

from finetune.errors import RegistryError
from finetune.registry.facts import Facts
from finetune.registry.stages import Stage


@dataclass(frozen=True)
class Note:
    """Why a version changes its stage: what a registry shows beside it."""

    text: str
    at: str
    by: str


def refuse_other(registry: str, facts: Facts, sha256: object) -> None:
    """Refuses a version that a registry has already with another package.

    Raises:
        RegistryError: Two homes have an experiment of that name, or the home was removed and begun anew.
    """
    if sha256 != facts.package["sha256"]:
        raise RegistryError(
            f"{registry} has version {facts.run_number} of {facts.experiment} already, with another package: another "
            "home has an experiment of that name, or this one was begun anew; choose another name, or delete it there"
        )


class Registry(Protocol):
    """One registry, in which an experiment has versions by their run numbers. Every verb may raise RegistryError."""

    name: str
    """zenml, mlflow or sagemaker."""

    def register(self, facts: Facts) -> str:
        """Enters a version, and gives its address there; one that is there stays as it is."""

    def stages(self, experiment: str) -> dict[int, Stage]:
        """The stage of each version that it has."""

    def move(self, experiment: str, version: int, stage: Stage, note: Note) -> None:
        """Puts a version into a stage. Whoever is there has left it before."""
