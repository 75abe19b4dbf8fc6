"""One training process beside the step's own: `python -m finetune.training.rank WORK FAILURE`."""

import json
import sys
import tempfile
import traceback
from pathlib import Path
from typing import Any

from finetune.training.ranks import shorten


def main(work_file: str, failure_file: str) -> int:
    """Trains along; what goes wrong is written into a file, so that the leader can tell it."""
    try:
        work_along(json.loads(Path(work_file).read_text(encoding="utf-8")))
    except Exception as error:
        traceback.print_exc()
        Path(failure_file).write_text(shorten(error), encoding="utf-8")
        return 1
    return 0


def work_along(work: dict[str, Any]) -> None:
    """Joins the others, receives the dataset and trains; only the leader keeps what comes of it."""
    from finetune.config.train import TrainConfig
    from finetune.evaluation.scores import default_metrics
    from finetune.functions import load_functions
    from finetune.training.fit import fit
    from finetune.training.group import process_group
    from finetune.training.share import receive

    functions = load_functions(work["functions"])
    with tempfile.TemporaryDirectory() as folder, process_group():
        prepared = receive(Path(folder))
        fit(
            prepared,
            labels=work["labels"],
            get_model=functions.get_model,
            compute_metrics=functions.compute_metrics or default_metrics,
            model=work["model"],
            settings=TrainConfig.model_validate(work["settings"]),
            checkpoints=Path(folder) / "checkpoints",
        )


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
