"""Earlier attempts at a run that have no end in ZenML's records: a killed process left them, or AWS still works."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from finetune import runs
from finetune.errors import RunError
from finetune.experiment import Home
from finetune.progress import say
from finetune.runs import Run, Status

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


def close_killed(home: Home, run: Run) -> None:
    """Records as failed the other runs of a home that a killed process left running, here and in ZenML's records."""
    for number in runs.numbers(home):
        try:
            if number == run.run_number or runs.read(home, number).status is not Status.RUNNING:
                continue
            with runs.held(home, number):
                killed = runs.read(home, number)
                end_leftovers(killed)
                killed.ended(Status.FAILED).write(home)
        except RunError:
            continue  # somebody works on it, or it has no record yet
        say(f"run {number} was killed; it is recorded as failed (python run.py resume {home.experiment} {number})")


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
    from cli.aws.find import attempts

    for attempt in attempts(run.experiment, run.run_number):
        # An experiment of the same name in another root is another experiment.
        if not attempt.status.is_finished and attempt.config.extra.get("config", {}).get("root") == run.config["root"]:
            yield attempt
