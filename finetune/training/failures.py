"""Why a training process failed, as one message; what each rank leaves for the one that started it."""

import json
import re
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from finetune.errors import TrainError
from finetune.job.failure import ended, shorten
from finetune.training.work import FAILED, STACKS

_LOST = re.compile(
    r"\bgloo\b|\bNCCL\b|Dist(Backend|Network|Store)?Error|Connection (closed|reset|refused)", re.IGNORECASE
)


class ConnectionLost(TrainError):
    """A process lost its connection to another: the cause lies there."""


def leave(folder: Path, rank: int, error: BaseException) -> None:
    """Leaves a rank's error, with its time."""
    lost = isinstance(error, ConnectionLost) or bool(_LOST.search(f"{type(error).__name__}: {error}"))
    text = json.dumps({"time": time.time(), "message": shorten(error), "lost": lost})
    (folder / f"{rank}{FAILED}").write_text(text, encoding="utf-8")


def first_failure(folder: Path, codes: Mapping[int, int]) -> TrainError:
    """The error that says which rank of this machine failed first, and why.

    Args:
        folder: Where they left their errors.
        codes: Exit codes of ranks that failed. One that a signal ended left nothing and is the cause: the others lose
            their connection to it, and those that still work are sent SIGTERM.

    Returns:
        A ConnectionLost if no rank of this machine has a failure of its own.
    """
    killed = [rank for rank, code in sorted(codes.items()) if code < 0 and code != -signal.SIGTERM]
    if killed:
        return TrainError(f"train: rank {killed[0]}: {ended(codes[killed[0]])}")
    left = [(json.loads(path.read_text(encoding="utf-8")), path) for path in folder.glob(f"*{FAILED}")]
    if left:
        said, path = min(left, key=lambda each: (each[0]["lost"], float(each[0]["time"])))
        kind = ConnectionLost if said["lost"] else TrainError
        return kind(f"train: rank {path.stem}: {said['message'].removeprefix('train: ')}")
    rank = min(codes)
    return TrainError(f"train: rank {rank}: {ended(codes[rank])}")


def print_stacks(folder: Path) -> None:
    """Prints the stacks that processes in which nothing moved have left, one after the other."""
    for path in sorted(folder.glob(f"*{STACKS}"), key=lambda path: int(path.stem)):
        if stacks := path.read_text(encoding="utf-8", errors="replace"):
            print(f"train: rank {path.stem}: {stacks}", file=sys.stderr, flush=True)
