"""What ZenML's server and SageMaker say of a run, brought together: the status of a step, and of the run. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from finetune.runs import Status
from operators.execution import ExecutedStep, Execution, Job

WAITING, STARTING, RUNNING, FAILED, STOPPED = "waiting", "starting", "running", "failed", "stopped"
ENDINGS = {
    "completed": Status.COMPLETED,
    "failed": Status.FAILED,
    "cancelled": Status.FAILED,
    "stopped": Status.STOPPED,
}
ENDED = {*ENDINGS, "cached", "skipped", "retried"}
"""What ZenML calls a step or run that has ended."""
EXECUTED = {"Starting": STARTING, "Executing": STARTING, "Stopping": "stopping", "Succeeded": RUNNING}
"""A step's state on SageMaker, while ZenML's server has not heard of it."""


@dataclass(frozen=True)
class StepState:
    """One step: how far it is, and the job that does its work, if it has begun."""

    name: str
    status: str
    job: Job | None = None
    seconds: float | None = None
    reason: str | None = None
    """Why its job failed, in AWS's words."""
    operated: bool = False
    """It works in a training job, for which its processing job waits."""

    @property
    def has_ended(self) -> bool:
        """Whether it has ended, well or not."""
        return self.status in ENDED

    @property
    def where(self) -> str:
        """Its job: `training job NAME, 2 x ml.g5.xlarge`; empty if there is none."""
        job = self.job
        return f"{job.kind.lower()} job {job.name}, {job.instance_count} x {job.instance_type}" if job else ""


@dataclass(frozen=True)
class RunState:
    """A run with its steps, in the pipeline's order."""

    name: str
    status: Status
    reason: str | None
    runs: bool
    """Something of it still runs on SageMaker, or may start there."""
    steps: Sequence[StepState]

    @property
    def current(self) -> StepState | None:
        """The step that works, else the last one that has a job."""
        begun = [step for step in self.steps if step.job]
        return next((step for step in begun if not step.has_ended), begun[-1] if begun else None)


def step_status(told: str | None, executed: ExecutedStep | None) -> str:
    """A step's status; SageMaker knows of a job that died before it could tell ZenML's server.

    Args:
        told: ZenML's status; None if its server has not heard of the step.
        executed: The step on SageMaker; None if it has not begun there.
    """
    if told in ENDED:
        return str(told)
    if executed and executed.status in ("Failed", "Stopped"):
        return executed.status.lower()
    return told or (EXECUTED.get(executed.status, STARTING) if executed else WAITING)


def run_status(told: str, execution: Execution | None) -> Status:
    """A run's status; a run whose execution has ended badly has ended, whether ZenML's server knows or not."""
    if told in ENDINGS:
        return ENDINGS[told]
    ended = {"Failed": Status.FAILED, "Stopped": Status.STOPPED}
    return ended.get(execution.status, Status.RUNNING) if execution else Status.RUNNING
