"""One training in several processes, of one machine or of all machines of a job."""

import json
import os
import pickle
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import datasets

from finetune.errors import TrainError
from finetune.training.failures import ConnectionLost
from finetune.training.hosts import WANTED, Hosts
from finetune.training.launch import launch
from finetune.training.share import SPLITS
from finetune.training.work import DATASET, FAILED, TRAINED, Work

BLAME_S = 5.0


def train_together(work: Work, prepared: datasets.DatasetDict, hosts: Hosts | None) -> dict[str, Any]:
    """Trains; gives what the first process says of it, which has written the model.

    Raises:
        TrainError: A process failed; the message is the first one's, with its rank.
        TrainingStopped: A signal came; what was done is saved.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shared = datasets.DatasetDict({split: prepared[split] for split in SPLITS})
        (folder / DATASET).write_bytes(pickle.dumps(shared))
        work.write(folder)
        if hosts is None or len(hosts.names) == 1:
            launch(folder, None)
        else:
            with _others_at_work(work):
                launch(folder, hosts)
        told: dict[str, Any] = json.loads((folder / TRAINED).read_text(encoding="utf-8"))
        return told


@contextmanager
def _others_at_work(work: Work) -> Iterator[None]:
    """The process that leads the job hands the work to the other machines, and says if one of them failed."""
    wanted = Path(os.environ[WANTED])
    part = wanted.with_suffix(".part")
    part.write_text(work.to_json(), encoding="utf-8")
    part.replace(wanted)
    blamed = wanted.with_name(f"{wanted.stem}{FAILED}")
    try:
        yield
    except ConnectionLost as error:
        ends = time.monotonic() + BLAME_S
        while time.monotonic() < ends and not blamed.is_file():
            time.sleep(0.1)
        if not blamed.is_file():
            raise
        raise TrainError(f"train: another process failed: {blamed.read_text(encoding='utf-8')}") from error
