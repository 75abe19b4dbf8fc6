"""The work of a training job of SageMaker's tuning job: it trains with what it was given, and prints the objective.

`python -m finetune.tuning.training_job`, which the image's `train` program starts.
"""

import json
import os
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import datasets

from finetune.config.tune import DistributionConfig
from finetune.job.failure import FAILURE, shorten
from finetune.progress import say
from finetune.training.callbacks import TrainingStopped
from finetune.training.reporting import Reporting
from finetune.tuning.engine import CHANNEL, OBJECTIVE
from finetune.tuning.space import section
from finetune.tuning.texts import from_texts
from finetune.tuning.trial import Trial, train_trial
from finetune.tuning.words import told

INPUT = Path("/opt/ml/input")
CHECKPOINTS = Path("/opt/ml/checkpoints")
"""There if the job runs on spare capacity; SageMaker copies it to a place that all jobs of a tuning job share."""
WORK, DATASET = "work.json", "dataset"
"""What the input holds."""


@dataclass(frozen=True)
class Searched:
    """What all training jobs of a study have in common."""

    functions: str
    """Folder of experiments/."""
    labels: list[str]
    model: dict[str, Any]
    train: dict[str, Any]
    """Both sections as the config has them."""
    space: dict[str, dict[str, Any]]
    objective: str

    def write(self, folder: Path, prepared: datasets.DatasetDict) -> None:
        """Writes it with the splits that a trial may see."""
        (folder / WORK).write_text(json.dumps(asdict(self)), encoding="utf-8")
        datasets.DatasetDict({split: prepared[split] for split in ("train", "validation")}).save_to_disk(
            folder / DATASET
        )

    @classmethod
    def read(cls, folder: Path) -> Self:
        """The same again."""
        return cls(**json.loads((folder / WORK).read_text(encoding="utf-8")))


def main() -> int:
    """Gives the exit code; an error becomes the job's FailureReason."""
    try:
        with tempfile.TemporaryDirectory() as scratch:
            _told(_train(INPUT / "data" / CHANNEL, Path(scratch)))
    except TrainingStopped as stopped:
        say(str(stopped))
        return 128 + stopped.number
    except Exception as error:
        FAILURE.write_text(shorten(error), encoding="utf-8")
        raise
    return 0


def _train(given: Path, scratch: Path) -> float:
    searched = Searched.read(given)
    space = {name: DistributionConfig.model_validate(each) for name, each in searched.space.items()}
    texts = json.loads((INPUT / "config" / "hyperparameters.json").read_text(encoding="utf-8"))
    params = from_texts(space, texts)
    say(f"tune: {told(params)}")
    kept = CHECKPOINTS if CHECKPOINTS.is_dir() else scratch
    trial = Trial(
        functions=searched.functions,
        labels=searched.labels,
        model=section("model", searched.model, params),
        settings=section("train", searched.train, params),
        objective=searched.objective,
        checkpoints=str(kept / os.environ["TRAINING_JOB_NAME"]),
        target=str(scratch / "model"),
    )
    reporting = Reporting(searched.objective, lambda points: _told(points[-1]), lambda: False)
    return train_trial(trial, datasets.load_from_disk(given / DATASET), reporting)


def _told(value: float) -> None:
    """SageMaker takes the last one: that of the checkpoint which the training keeps."""
    print(f"{OBJECTIVE}={value!r};", flush=True)


if __name__ == "__main__":
    sys.exit(main())
