"""The journal of a study: one record a trial, in the run's folder. The controller alone writes it."""

import json
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from finetune.errors import TuneError
from finetune.storage.storage import storage_of
from finetune.storage.uri import Place
from finetune.tuning.space import Params

RECORD, STUDY = "trial.json", "study.json"


class State(StrEnum):
    """How far a trial came."""

    RUNNING = "running"
    COMPLETED = "completed"
    PRUNED = "pruned"
    FAILED = "failed"


@dataclass(frozen=True)
class Record:
    """One trial."""

    number: int
    """Counts from 0; trial 0 has the parameters of the config as it stands."""
    params: Params
    state: State = State.RUNNING
    value: float | None = None
    """The objective, of a completed one."""
    points: list[float] = field(default_factory=list)
    """The objective at each validation."""
    reason: str | None = None
    """Why it failed, or was stopped."""
    seconds: float = 0.0
    """Time in which it ran."""

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as JSON holds them."""
        return asdict(self)


class Journal:
    """The records of one study; a record that is written is never lost."""

    def __init__(self, place: Place) -> None:
        """Takes the study's folder, which need not exist."""
        self._place, self._storage = place, storage_of(place)

    def folder(self, number: int) -> str:
        """The folder of one trial."""
        return str(self._place / str(number))

    def records(self) -> list[Record]:
        """All trials in order of number.

        Raises:
            TuneError: One cannot be read.
        """
        numbers = sorted(int(name) for name in self._storage.folders(str(self._place)) if name.isdecimal())
        found = (self._read(f"{self.folder(number)}/{RECORD}") for number in numbers)
        # A folder without a record is that of a trial which a killed controller was about to begin.
        return [Record(**{**each, "state": State(each["state"])}) for each in found if each]

    def write(self, record: Record) -> None:
        """Writes one record; readers see the old or the new one."""
        self._storage.claim(self.folder(record.number))
        self._write(f"{self.folder(record.number)}/{RECORD}", record.to_dict())

    def seconds(self) -> float:
        """Time that controllers have worked on the study so far, as far as it was written."""
        return float(self._read(str(self._place / STUDY)).get("seconds", 0.0))

    def write_seconds(self, seconds: float) -> None:
        """Writes the time of work; there must be a record."""
        self._write(str(self._place / STUDY), {"seconds": round(seconds, 3)})

    def _write(self, path: str, values: dict[str, Any]) -> None:
        try:
            self._storage.write(path, json.dumps(values, indent=2).encode())
        except OSError as error:
            raise TuneError(f"tune: {path} cannot be written: {error.strerror}; make room, and go on") from error

    def _read(self, path: str) -> dict[str, Any]:
        try:
            return dict(json.loads(self._storage.read(path) or b"{}"))
        except ValueError as error:
            raise TuneError(f"tune: {path} cannot be read ({error}); remove it, and go on without it") from error
