"""The process of one trial on this machine, forked from one that has imported torch; it ends with the controller."""

import multiprocessing
import os
import pickle
import sys
import threading
from pathlib import Path

from finetune.tuning.trial import Trial, carry_out

TASK, DATASET, LOG = "trial.json", "dataset.pickle", "log.txt"
"""Files of a trial's folder; the dataset lies above it."""


def work(folder: Path, environment: dict[str, str]) -> None:
    """Carries out the trial that a folder describes; what it prints goes into the folder."""
    os.setpgid(0, 0)  # Ctrl-C is for the controller, which then asks each trial once
    threading.Thread(target=_end_with_controller, daemon=True).start()
    os.environ.update(environment)
    _print_into(folder / LOG)
    from finetune.training.callbacks import TrainingStopped

    trial = Trial.from_json((folder / TASK).read_text(encoding="utf-8"))
    try:
        carry_out(trial, pickle.loads((folder.parent / DATASET).read_bytes()))
    except TrainingStopped as stopped:
        sys.exit(128 + stopped.number)


def _end_with_controller() -> None:
    """A killed controller leaves no trial behind that would write where its successor does."""
    controller = multiprocessing.parent_process()
    if controller is not None:
        controller.join()
        os._exit(1)


def _print_into(log: Path) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
    for output in (1, 2):
        os.dup2(file, output)
    os.close(file)
