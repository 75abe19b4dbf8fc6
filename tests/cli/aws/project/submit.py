"""Submits trials and prints their ids. An argument each: run number, how the first step ends, seconds of the second."""

import os
import sys
from typing import Any

from stacks.apply import apply
from stacks.files import load_stack
from stacks.submission import pipeline_settings

EXPERIMENT = "EXP-9-trial"
CONFIG = {"root": "s3://rehearsal/outputs"}
MACHINES = {"instance_type": "ml.m5.large", "instance_count": 1}


def composed(number: int, name: str) -> Any:
    """The pipeline with a run's facts."""
    from pipelines.trial import trial

    step = {"step_operator": True, "settings": {"step_operator.finetune_sagemaker": {"machines": MACHINES}}}
    return trial.with_options(
        run_name=name,
        extra={"experiment": EXPERIMENT, "run_number": number, "stack": "rehearsal", "config": CONFIG},
        tags=[EXPERIMENT],
        steps={"train": step},
        settings=pipeline_settings(load_stack("rehearsal")),
    )


def main(arguments: list[str]) -> None:
    """Submits each."""
    os.environ["ZENML_ACTIVE_STACK_ID"] = str(apply("rehearsal"))
    for trial in arguments:
        number, how, seconds = trial.split("|")
        run = composed(int(number), f"{EXPERIMENT}-{number}-20260101")(how=how, seconds=float(seconds))
        print("id", run.id)


if __name__ == "__main__":
    main(sys.argv[1:])
