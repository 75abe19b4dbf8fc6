"""Why a process of a job failed: where SageMaker looks for it, and where a program leaves it for who started it."""

import json
from pathlib import Path

FAILURE = Path("/opt/ml/output/failure")
"""What stands here becomes the job's FailureReason."""
_LEFT, _LONGEST = "failed.json", 900


def shorten(error: BaseException) -> str:
    """An error as one message of at most 900 characters; SageMaker keeps 1,024 with its own words."""
    text = str(error) if type(error).__module__.startswith("finetune") else f"{type(error).__name__}: {error}"
    return text[:_LONGEST]


def ended(code: int) -> str:
    """How a process ended that left no message."""
    if code < 0:
        memory = "; its memory may have run out" if code == -9 else ""
        return f"the process was ended by signal {-code}{memory}"
    return f"the process ended with exit code {code}"


def leave(folder: Path, error: BaseException) -> None:
    """Leaves a program's error in its folder."""
    (folder / _LEFT).write_text(json.dumps(shorten(error)), encoding="utf-8")


def left(folder: Path) -> str | None:
    """What it left there."""
    file = folder / _LEFT
    return str(json.loads(file.read_text(encoding="utf-8"))) if file.is_file() else None
