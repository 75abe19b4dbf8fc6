"""What the leader's step asks of the other hosts: a program of this project, and what it reads."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

WANTED = "FINETUNE_TASK"
"""Variable that the leader's step finds: the file that asks the other hosts to work."""
TASK = "task.json"
_FAILED = ".failed"


@dataclass(frozen=True)
class Task:
    """Each of the other hosts starts `python -m PROGRAM FOLDER`, with this text in the folder's task.json."""

    program: str
    text: str

    def to_json(self) -> str:
        """For another process or host."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Task":
        """The same again."""
        return cls(**json.loads(text))

    def put(self, folder: Path) -> list[str]:
        """Puts the text into a folder; gives what follows the interpreter on the command line."""
        write(folder / TASK, self.text)
        return ["-m", self.program, str(folder)]


def ask_others(task: Task, environment: Mapping[str, str] = os.environ) -> None:
    """Called by the leader's step: all other hosts begin with the task, those that are not there yet as they come."""
    write(Path(environment[WANTED]), task.to_json())


def blamed(environment: Mapping[str, str] = os.environ) -> str | None:
    """Which of them failed, and why; None as long as none has. The step is ended soon after."""
    file = blame_of(Path(environment[WANTED]))
    return file.read_text(encoding="utf-8") if file.is_file() else None


def blame_of(wanted: Path) -> Path:
    """Where the leader says which host failed."""
    return wanted.with_suffix(_FAILED)


def write(file: Path, text: str) -> None:
    """Writes a file that appears whole."""
    part = file.with_name(f"{file.name}.part")
    part.write_text(text, encoding="utf-8")
    os.replace(part, file)
