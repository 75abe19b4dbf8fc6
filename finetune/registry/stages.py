"""Stages of versions, and how they change: one version is in production, one in staging at most. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Stage(StrEnum):
    """What a version is used for."""

    PRODUCTION = "production"
    STAGING = "staging"
    NONE = "none"


Stages = Mapping[int, Stage]
"""Stage of each version."""


@dataclass(frozen=True)
class Move:
    """A change of stages that was carried out."""

    version: int
    to: Stage
    at: str
    """ISO 8601, with the zone."""
    by: str
    rollback: bool = False

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Move":
        """As JSON holds it."""
        return cls(**{**values, "to": Stage(values["to"])})


def moved(stages: Stages, version: int, to: Stage) -> dict[int, Stage]:
    """The stages after a version goes to a stage: whoever was there goes to none."""
    left = {each: Stage.NONE if stage is to and to is not Stage.NONE else stage for each, stage in stages.items()}
    return {**left, version: to}


def changes(before: Stages, after: Stages) -> list[tuple[int, Stage]]:
    """What must be done for it, in order: who leaves a stage, or is in one that another takes, first goes to none."""
    differ = {each: stage for each, stage in after.items() if before.get(each, Stage.NONE) is not stage}
    taken = set(differ.values()) - {Stage.NONE}
    leaving = [each for each, stage in differ.items() if stage is Stage.NONE or before.get(each) in taken]
    taking = [(each, stage) for each, stage in differ.items() if stage is not Stage.NONE]
    return [*((each, Stage.NONE) for each in sorted(leaving)), *sorted(taking)]


def stages_of(moves: Sequence[Move]) -> dict[int, Stage]:
    """Where the moves have brought each version."""
    stages: dict[int, Stage] = {}
    for move in moves:
        stages = moved(stages, move.version, move.to)
    return stages


def in_production(stages: Stages) -> int | None:
    """The version in production; None if there is none."""
    return next((version for version, stage in stages.items() if stage is Stage.PRODUCTION), None)


def before(moves: Sequence[Move]) -> int | None:
    """The version to which a rollback goes: that which was in production before; None if there was none.

    A rollback takes back the last promotion that still counts, so that a second one goes further back.
    """
    line: list[int] = []
    for move in moves:
        if move.to is Stage.PRODUCTION and move.rollback:
            while line and line[-1] != move.version:
                line.pop()
        elif move.to is Stage.PRODUCTION and line[-1:] != [move.version]:
            line.append(move.version)
    now = in_production(stages_of(moves))
    while line and line[-1] == now:
        line.pop()
    return line[-1] if line else None


def last_move(moves: Sequence[Move], version: int) -> Move | None:
    """The move that brought a version where it is; None if it never moved."""
    found, stages = None, dict[int, Stage]()
    for move in moves:
        after = moved(stages, move.version, move.to)
        if move.version == version or after.get(version) is not stages.get(version):
            found = move
        stages = after
    return found
