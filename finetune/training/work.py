"""What the processes of one training must know, and the folder in which they leave what came of it."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

WORK, DATASET, TRAINED, STOPPED = "work.json", "dataset.pickle", "trained.json", "stopped"
"""Files of that folder: the work; where the splits lie; what came of it; signal and step of a stop."""
FAILED, STACKS = ".failed", ".stacks"
"""After a rank's number: its error; where it was when nothing moved."""


@dataclass(frozen=True)
class Work:
    """One training, as each of its processes gets it."""

    functions: str
    """Folder of experiments/."""
    labels: list[str]
    model: dict[str, Any]
    settings: dict[str, Any]
    processes: int
    """Of each machine."""
    checkpoints: str
    """Folder on the first machine."""
    target: str
    """The model's folder, there, too."""
    code: str = ""
    """Hash of the functions that make a model's answers."""
    tracking: dict[str, Any] | None = None
    """What the first process tracks, and where; without secrets, which it has from its environment."""

    def write(self, folder: Path) -> Path:
        """Writes it into a folder; gives the file, which appears whole."""
        part, file = folder / f"{WORK}.part", folder / WORK
        part.write_text(self.to_json(), encoding="utf-8")
        return part.replace(file)

    def to_json(self) -> str:
        """As text, for other machines."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Work":
        """The same again."""
        return cls(**json.loads(text))
