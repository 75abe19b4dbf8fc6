"""What a tracker can do: take parameters, metrics and files of a step, and hear how it ended."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class Ended(StrEnum):
    """How a step ended."""

    FINISHED = "finished"
    FAILED = "failed"
    STOPPED = "stopped"


class Refused(Exception):
    """The tracker answered, and will not take this: to ask again is of no use."""


@dataclass(frozen=True)
class Point:
    """Metrics that belong together."""

    values: Mapping[str, float]
    step: int | None
    """The optimiser step; None for metrics of the whole."""
    at: float
    """When they were measured, as Unix time."""
    known: bool = False
    """Whether they come from a checkpoint, so that an earlier process may have tracked them."""


class Tracker(Protocol):
    """One tracker's run of one step. A call may take its time, and raise: `Guarded` stands before it."""

    name: str
    """What people call it."""
    where: str
    """Its address, without credentials."""

    def open(self) -> None:
        """Finds the run again, or makes it, with its parameters."""

    def metrics(self, points: Sequence[Point]) -> None:
        """Takes points, in the order in which they were measured."""

    def file(self, name: str, content: bytes) -> None:
        """Takes a file: a page (.html) or a figure (.svg)."""

    def sample(self, at: float) -> None:
        """Measures the machine, every few seconds."""

    def end(self, status: Ended) -> None:
        """Takes how the step ended, once everything else was taken."""
