"""Looks at a run where it is known: on ZenML's server and on SageMaker."""

from typing import TYPE_CHECKING
from uuid import UUID

from cli.aws.states import RunState, StepState, run_status, step_status
from finetune.runs import Status
from operators.execution import ExecutedStep, Execution, Job, execution_of, host_of, hosted_execution, job_of
from operators.jobs import Clients

if TYPE_CHECKING:
    from zenml.models import PipelineRunResponse, StepRunResponse

ARN, JOB_NAME = "pipeline_execution_arn", "job_name"


class Look:
    """Looks at one run as often as it is asked; jobs that have ended are asked for once."""

    def __init__(self, run_id: UUID, clients: Clients) -> None:
        """Takes the run's id on ZenML's server and the clients of its stack."""
        self._id, self._clients = run_id, clients
        self._operated: dict[str, bool] = {}
        self._ended: dict[str, Job] = {}

    def now(self) -> RunState:
        """The run as it is now.

        Raises:
            ComputeError: AWS does not tell.
            OSError: ZenML's server does not answer.
        """
        from zenml.client import Client

        run = Client().get_pipeline_run(self._id)
        told = steps_of(run)
        arn = execution_arn(run)
        execution = self._execution(arn) if arn else None
        executed = execution.steps if execution else {}
        steps = [self._step(name, told.get(name), executed.get(name)) for name in self._names(run, told)]
        status = run_status(run.status.value, execution)
        runs = execution.runs if execution else status is Status.RUNNING
        return RunState(run.name, status, execution.reason if execution else None, runs, steps)

    def _execution(self, arn: str) -> Execution | None:
        client = self._clients("sagemaker")
        return hosted_execution(client, arn) if host_of(arn) else execution_of(client, arn)

    def _names(self, run: "PipelineRunResponse", told: "dict[str, StepRunResponse]") -> list[str]:
        """Names of all steps, also of those that wait; of a dynamic pipeline only those that have begun are known."""
        if run.snapshot is not None and run.snapshot.is_dynamic:
            self._operated = {name: bool(step.config.step_operator) for name, step in told.items()}
        elif not self._operated and run.snapshot is not None:
            steps = run.snapshot.step_configurations
            self._operated = {name: bool(step.config.step_operator) for name, step in steps.items()}
        return list(self._operated)

    def _step(self, name: str, told: "StepRunResponse | None", executed: ExecutedStep | None) -> StepState:
        training = told.run_metadata.get(JOB_NAME) if told else None
        job = self._job("Training", str(training)) if training else None
        if job is None and executed and executed.job:
            job = self._job("Processing", executed.job)
        reason = (job.reason if job else None) or (executed.reason if executed else None)
        seconds = job.seconds if job else None
        if told and told.start_time and told.end_time:
            seconds = (told.end_time - told.start_time).total_seconds()
        status = step_status(told.status.value if told else None, executed)
        return StepState(name, status, job, seconds, reason, self._operated[name])

    def _job(self, kind: str, name: str) -> Job | None:
        if name in self._ended:
            return self._ended[name]
        job = job_of(self._clients("sagemaker"), kind, name)
        if job and not job.runs:
            self._ended[name] = job
        return job


def steps_of(run: "PipelineRunResponse") -> "dict[str, StepRunResponse]":
    """The steps that ZenML's server knows of, with their metadata; of one that was tried again, the last try."""
    from zenml.client import Client
    from zenml.utils.pagination_utils import depaginate

    found = depaginate(Client().list_run_steps, pipeline_run_id=run.id, hydrate=True)
    return {step.name: step for step in sorted(found, key=lambda step: step.created)}


def execution_arn(run: "PipelineRunResponse") -> str | None:
    """The pipeline execution on SageMaker, or the job in which a dynamic pipeline's function runs.

    None if all steps came from the cache, or it is not submitted yet.
    """
    arn = str(run.run_metadata.get(ARN) or run.orchestrator_run_id or "")
    return arn if ":pipeline/" in arn or host_of(arn) else None
