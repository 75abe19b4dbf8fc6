"""Earlier attempts at a run that have no end in ZenML's records: a killed process left them, or AWS still works."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from finetune.errors import RunError
from finetune.runs import Run

if TYPE_CHECKING:
    from zenml.models import PipelineRunResponse


def end_leftovers(run: Run) -> None:
    """Marks killed attempts on this machine as failed; the caller holds the run, so nobody works on them."""
    from zenml.orchestrators.publish_utils import publish_failed_pipeline_run, publish_failed_step_run

    for attempt in _running(run):
        for step in attempt.steps.values():
            if not step.status.is_finished:
                publish_failed_step_run(step.id)
        publish_failed_pipeline_run(attempt.id)


def refuse_leftovers(run: Run) -> None:
    """Refuses to go on with a run of which AWS may still work on an earlier attempt.

    Raises:
        RunError: There is one; the message names it.
    """
    for attempt in _running(run):
        command = f"--stack {run.stack} {run.experiment}/{run.run_number}"
        raise RunError(
            f"--run-number {run.run_number}: {attempt.name} still runs on stack {run.stack}; wait for it "
            f"(python run.py status {command}), or end it (python run.py stop {command})"
        )


def _running(run: Run) -> "Iterator[PipelineRunResponse]":
    from cli.find import attempts

    for attempt in attempts(run.experiment, run.run_number):
        # An experiment of the same name in another root is another experiment.
        if not attempt.status.is_finished and attempt.config.extra.get("config", {}).get("root") == run.config["root"]:
            yield attempt
