"""What the processes of one training must know, and the folder in which they leave what came of it."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from finetune.job.task import TASK, Task

DATASET, TRAINED, STOPPED = "dataset.pickle", "trained.json", "stopped"
"""Files of that folder beside the task: where the splits lie; what came of it; signal and step of a stop."""
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

    @property
    def task(self) -> Task:
        """What another machine is asked to do."""
        return Task("finetune.training.launch", json.dumps(asdict(self)))

    @classmethod
    def read(cls, folder: Path) -> "Work":
        """The same again, where the task was put."""
        return cls(**json.loads((folder / TASK).read_text(encoding="utf-8")))
