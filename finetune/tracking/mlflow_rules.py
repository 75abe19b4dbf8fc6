"""What MLflow accepts and what of it counts: names, states, points that are there already. Pure."""

import math
import re
from collections.abc import Iterable, Sequence

from finetune.tracking.tracker import Ended

RUNNING = "running"
SAME = 1e-3
LONGEST_NAME = 250


def clean(name: str) -> str:
    """A name that MLflow takes: letters, digits, and _ - . / and blanks, and no empty part of a path."""
    plain = re.sub(r"[^\w\-. /]", "_", name)[:LONGEST_NAME]
    return "/".join("_" if part.strip() in ("", ".", "..") else part for part in plain.split("/"))


def state_of_run(steps: Sequence[str]) -> str:
    """A run is as bad as the worst of its steps; each of them is running, or ended somehow."""
    if Ended.FAILED in steps:
        return "FAILED"
    if Ended.STOPPED in steps:
        return "KILLED"
    return "RUNNING" if RUNNING in steps else "FINISHED"


def is_there(value: float, logged: Iterable[float]) -> bool:
    """Whether about this value was logged for a step: training went back to a checkpoint, and came by again."""
    return any(_same(value, there) for there in logged)


def _same(value: float, there: float) -> bool:
    return math.isclose(value, there, rel_tol=SAME) or (math.isnan(value) and math.isnan(there))
