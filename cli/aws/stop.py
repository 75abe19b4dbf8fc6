"""`run.py stop RUN`: stops all that a run has on AWS, and marks it as stopped on ZenML's server."""

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from finetune.progress import say

if TYPE_CHECKING:
    from zenml.models import PipelineRunResponse

    from operators.jobs import Clients

POLL_S, SUBMISSION_S = 2.0, 60.0


def stop(arguments: Sequence[str]) -> int:
    """Stops the run; gives the exit code."""
    from cli.aws.find import named_run, run_parser

    run, clients = named_run(run_parser("stop", "Stops a run on AWS with all its jobs.").parse_args(arguments))
    from cli.aws.look import Look
    from cli.record import record_end

    stopped = stop_pipeline_run(run.id, clients, say)
    print(f"{run.name}: {'nothing of it runs' if not stopped else 'stopped ' + ', '.join(stopped)}")
    record_end(run.id, Look(run.id, clients).now())
    return 0


def stop_pipeline_run(run_id: UUID, clients: "Clients", say: Callable[[str], None]) -> list[str]:
    """Stops a run and gives what was stopped; when it returns, nothing of it runs and is billed.

    Raises:
        ComputeError: AWS refuses.
    """
    from zenml.enums import ExecutionStatus

    from cli.aws.look import JOB_NAME, execution_arn, steps_of
    from cli.aws.mark import mark_ended, mark_stopping
    from operators.stop import stop_run

    run = _submitted(run_id)
    mark_stopping(run)

    def announced() -> list[str]:
        return [str(step.run_metadata[JOB_NAME]) for step in steps_of(run).values() if JOB_NAME in step.run_metadata]

    stopped = stop_run(clients, execution_arn(run), run.name, run.created, announced, say)
    mark_ended(run_id, ExecutionStatus.STOPPED)
    return stopped


def _submitted(run_id: UUID) -> "PipelineRunResponse":
    """The run, once it is known which execution it has: it may be submitted at this moment."""
    from zenml.client import Client
    from zenml.enums import ExecutionStatus

    from cli.aws.look import execution_arn

    ends = time.monotonic() + SUBMISSION_S
    while True:
        run = Client().get_pipeline_run(run_id)
        early = run.status in (ExecutionStatus.INITIALIZING, ExecutionStatus.PROVISIONING)
        if execution_arn(run) or not early or time.monotonic() > ends:
            return run
        time.sleep(POLL_S)
