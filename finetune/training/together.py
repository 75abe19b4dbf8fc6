"""One training in several processes, of one machine or of all machines of a job."""

import json
import pickle
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import datasets

from finetune.errors import TrainError
from finetune.job.hosts import Hosts
from finetune.job.task import ask_others, blamed
from finetune.training.failures import ConnectionLost
from finetune.training.launch import launch
from finetune.training.share import SPLITS
from finetune.training.work import DATASET, TRAINED, Work

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
        work.task.put(folder)
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
    ask_others(work.task)
    try:
        yield
    except ConnectionLost as error:
        ends = time.monotonic() + BLAME_S
        while time.monotonic() < ends and blamed() is None:
            time.sleep(0.1)
        if (told := blamed()) is None:
            raise
        raise TrainError(f"train: another process failed: {told}") from error
