"""Where a step's checkpoints lie, and how a step ends that the platform will start again from them."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from zenml import get_step_context

from finetune.experiment import Home
from finetune.progress import say
from finetune.training.callbacks import TrainingStopped
from finetune.tuning.signals import StudyStopped
from steps.outcome import model_here
from steps.work import run_facts

KEPT = Path("/opt/ml/checkpoints")
"""What SageMaker copies to S3 and back."""
JOBS = (Path("/opt/ml/input/config/resourceconfig.json"), Path("/opt/ml/config/resourceconfig.json"))
"""A training job has the first, a processing job the second; SageMaker Studio has /opt/ml without either."""
LETTERS = 16


def checkpoint_folder(home: Home, scratch: Path) -> Path:
    """A local folder for the checkpoints of what this step is to make, found again when the run is resumed.

    On SageMaker it is what the platform copies to S3, else it lies in the run's folder; a job without either has a
    folder of its own. Its name is the step's cache key: checkpoints of other code, data or settings are never taken up.
    """
    folder = home.checkpoints(run_facts()["run_number"])
    model = model_here()
    folder = folder if model is None else folder / model
    found = KEPT if _in_job() and KEPT.is_dir() else folder if isinstance(folder, Path) else scratch / "checkpoints"
    own = found / key_of_step()
    if not own.is_dir() and found.is_dir() and any(found.iterdir()):
        say("train: there are checkpoints of other code, data or settings; they are not used")
    return own


def key_of_step() -> str:
    """The beginning of the step's cache key: equal for equal code, data and settings."""
    return str(get_step_context().step_run.cache_key)[:LETTERS]


@contextmanager
def ended_by_the_platform() -> Iterator[None]:
    """In a job, a training that was stopped ends the process with 128 and the signal's number, and publishes nothing.

    What is raised would be published as the step's failure, but after a spot interruption the platform starts it again.
    """
    try:
        yield
    except (TrainingStopped, StudyStopped) as stopped:
        if not _in_job():
            raise
        say(str(stopped))
        sys.stdout.flush()
        os._exit(128 + stopped.number)


def _in_job() -> bool:
    return any(file.is_file() for file in JOBS)
