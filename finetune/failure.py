"""A model that failed where there are several: what its steps hand on in place of a result."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

FILE = "failure.json"


@dataclass(frozen=True)
class Failure:
    """Why a model has no result."""

    model: str
    step: str
    """The step in which it failed: train or evaluate."""
    error: str
    """As the user reads it."""

    def to_dict(self) -> dict[str, str]:
        """Plain values, as JSON holds them."""
        return asdict(self)

    def write(self, folder: Path) -> None:
        """Writes it where the model's files would lie."""
        folder.mkdir(parents=True)
        (folder / FILE).write_text(json.dumps(self.to_dict()), encoding="utf-8")


def failure_in(folder: Path) -> Failure | None:
    """The failure that stands in a folder in place of a model; None if there is none."""
    file = folder / FILE
    return Failure(**json.loads(file.read_text(encoding="utf-8"))) if file.is_file() else None
