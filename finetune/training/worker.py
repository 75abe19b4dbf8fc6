"""One training process of several: `python -m finetune.training.worker FOLDER`, started by torch's elastic launch."""

import json
import os
import sys
import tempfile
import traceback
from dataclasses import asdict
from pathlib import Path

from finetune.collector import collect_rarely
from finetune.training.failures import leave
from finetune.training.work import STOPPED, TRAINED, Work


def main(name: str) -> int:
    """Trains along; what goes wrong, or stops it, is left in the folder, so that who started it can tell."""
    folder, rank = Path(name), int(os.environ["RANK"])
    from finetune.training.callbacks import TrainingStopped

    try:
        train_along(Work.read(folder), folder)
    except TrainingStopped as stopped:
        part = folder / f"{rank}.{STOPPED}"  # the others leave the same, and one may be ended while it writes
        part.write_text(json.dumps([stopped.number, stopped.step]), encoding="utf-8")
        part.replace(folder / STOPPED)
    except Exception as error:
        traceback.print_exc()
        leave(folder, rank, error)
        return 1
    return 0


def train_along(work: Work, folder: Path) -> None:
    """Joins the others, gets the dataset and trains; the first process keeps what comes of it."""
    from finetune.config.train import TrainConfig
    from finetune.evaluation.scores import default_metrics
    from finetune.functions import load_functions
    from finetune.tracking.settings import Tracking
    from finetune.tracking.trackers import opened
    from finetune.training.points import TrackPoints
    from finetune.training.share import Sharing, process_group
    from finetune.training.spec import TrainingSpec
    from finetune.training.train import train_here
    from finetune.training.watchdog import Watchdog

    functions, settings = load_functions(work.functions), TrainConfig.model_validate(work.settings)
    watchdog = Watchdog(settings.hang_minutes, folder, int(os.environ["RANK"]))
    with tempfile.TemporaryDirectory() as scratch, watchdog, process_group():
        sharing = Sharing(folder, Path(scratch))
        tracking = Tracking.from_dict(work.tracking) if work.tracking and sharing.leads else None
        with opened(tracking) as trackers:
            trained = train_here(
                sharing.dataset(),
                TrainingSpec(
                    labels=work.labels,
                    functions=work.functions,
                    get_model=functions.get_model,
                    compute_metrics=functions.compute_metrics or default_metrics,
                    model=work.model,
                    settings=settings,
                    checkpoints=Path(work.checkpoints) if sharing.leads else Path(scratch) / "checkpoints",
                    target=Path(work.target),
                    code=work.code,
                ),
                agree=sharing.checkpoint,
                callbacks=[watchdog, TrackPoints(trackers)],
            )
        if sharing.leads:
            (folder / TRAINED).write_text(json.dumps(asdict(trained)), encoding="utf-8")


if __name__ == "__main__":
    collect_rarely()
    sys.exit(main(sys.argv[1]))
