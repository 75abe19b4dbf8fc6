"""Submits a pipeline of pipelines/grief.py and prints the run's id. Arguments: its name, its run number, a place."""

import os
import sys
from typing import Any

from stacks.apply import apply
from stacks.files import load_stack
from stacks.submission import execution_mode, pipeline_settings

EXPERIMENT = "EXP-8-grief"
CONFIG = {"root": "s3://rehearsal/outputs"}
MACHINES: dict[str, dict[str, Any]] = {
    "hungry": {"instance_type": "ml.m5.large"},
    "full": {"instance_type": "ml.m5.large"},
    "late": {"instance_type": "ml.m5.large", "max_run_hours": 15 / 3600},
    "poor": {"instance_type": "ml.g5.xlarge"},
}


def machines(step: str) -> dict[str, Any]:
    """A step's options."""
    return {"step_operator": True, "settings": {"step_operator.finetune_sagemaker": {"machines": MACHINES[step]}}}


def main(name: str, number: str, place: str) -> None:
    """Submits it."""
    os.environ["ZENML_ACTIVE_STACK_ID"] = str(apply("rehearsal"))
    from pipelines import grief

    stack = load_stack("rehearsal")
    composed = getattr(grief, name).with_options(
        run_name=f"{EXPERIMENT}-{number}-20260101",
        extra={"experiment": EXPERIMENT, "run_number": int(number), "stack": "rehearsal", "config": CONFIG},
        tags=[EXPERIMENT],
        steps={step: machines(step) for step in MACHINES} if name == "grief" else {},
        settings=pipeline_settings(stack),
        execution_mode=execution_mode(stack),
    )
    print("id", (composed() if name == "grief" else composed(place=place)).id)


if __name__ == "__main__":
    main(*sys.argv[1:])
