"""What is known of a running rehearsal: a file in its folder."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

NAME = "rehearsal.json"


@dataclass(frozen=True)
class State:
    """The process that serves it, its address and its folder; and those of its ZenML server, with an API key."""

    pid: int
    endpoint: str
    folder: str
    zenml_url: str | None = None
    zenml_key: str | None = None

    def save(self, folder: Path) -> None:
        """Writes it whole: who finds the file can use what it says."""
        part = folder / f"{NAME}.part"
        part.write_text(json.dumps(asdict(self)))
        part.rename(folder / NAME)

    @classmethod
    def load(cls, folder: Path) -> Self | None:
        """Reads it; None if no rehearsal is up in this folder."""
        file = folder / NAME
        return cls(**json.loads(file.read_text())) if file.is_file() else None
