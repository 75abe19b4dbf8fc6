"""What a trial and the controller say to each other: small objects in the trial's folder of the experiment home."""

import json
from dataclasses import asdict, dataclass

from finetune.storage.storage import storage_of
from finetune.tuning.journal import State

TOLD, OUTCOME, STOP = "told.json", "outcome.json", "stop"


@dataclass(frozen=True)
class Outcome:
    """How a trial ended."""

    state: State
    value: float | None = None
    reason: str | None = None


class Exchange:
    """One trial's objects: it writes what it has to tell and how it ended, the controller asks it to stop."""

    def __init__(self, folder: str) -> None:
        """Takes the trial's folder."""
        self._folder, self._storage = folder, storage_of(folder)

    def tell(self, points: list[float]) -> None:
        """The trial: the objective at each validation so far."""
        self._write(TOLD, points)

    def told(self) -> list[float]:
        """The controller: what the trial told."""
        return [float(point) for point in json.loads(self._read(TOLD) or b"[]")]

    def end(self, outcome: Outcome) -> None:
        """The trial: how it ended."""
        self._write(OUTCOME, asdict(outcome))

    def outcome(self) -> Outcome | None:
        """The controller: how it ended; None while it runs, and for ever if it was killed."""
        content = self._read(OUTCOME)
        if content is None:
            return None
        found = json.loads(content)
        return Outcome(State(found["state"]), found["value"], found["reason"])

    def ask_to_stop(self) -> None:
        """The controller: the trial is not worth going on with."""
        self._write(STOP, True)

    def is_asked_to_stop(self) -> bool:
        """The trial: whether it is to stop."""
        return self._read(STOP) is not None

    def _write(self, name: str, value: object) -> None:
        self._storage.write(f"{self._folder}/{name}", json.dumps(value).encode())

    def _read(self, name: str) -> bytes | None:
        return self._storage.read(f"{self._folder}/{name}")
