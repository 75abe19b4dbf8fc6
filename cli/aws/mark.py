"""Marks a run and its steps on ZenML's server as stopping or ended: a killed job cannot do it itself."""

from typing import TYPE_CHECKING
from uuid import UUID

if TYPE_CHECKING:
    from zenml.enums import ExecutionStatus
    from zenml.models import PipelineRunResponse

REASON = "stopped by run.py"


def mark_stopping(run: "PipelineRunResponse") -> None:
    """From here on ZenML's server begins no step of the run, and calls a step that fails stopped."""
    from zenml.enums import ExecutionStatus

    if not run.status.is_finished:
        _mark_run(run.id, ExecutionStatus.STOPPING)
        _mark_unfinished_steps(run, ExecutionStatus.STOPPING)


def mark_ended(run_id: UUID, status: "ExecutionStatus") -> None:
    """Gives this status to the run and to its steps, where they have none of an end."""
    from zenml.client import Client
    from zenml.enums import ExecutionStatus

    _mark_unfinished_steps(Client().get_pipeline_run(run_id), status)
    if not Client().get_pipeline_run(run_id).status.is_finished:
        # Of a run that is stopping the server itself makes a stopped one, once none of its steps runs.
        _mark_run(run_id, ExecutionStatus.STOPPING if status is ExecutionStatus.STOPPED else status)


def _mark_run(run_id: UUID, status: "ExecutionStatus") -> None:
    from zenml.enums import ExecutionStatus
    from zenml.exceptions import IllegalOperationError
    from zenml.orchestrators.publish_utils import publish_pipeline_run_status_update

    reason = REASON if status is ExecutionStatus.STOPPING else None
    try:
        publish_pipeline_run_status_update(run_id, status, status_reason=reason)
    except IllegalOperationError:
        return  # it has ended meanwhile


def _mark_unfinished_steps(run: "PipelineRunResponse", status: "ExecutionStatus") -> None:
    from zenml.exceptions import IllegalOperationError
    from zenml.orchestrators.publish_utils import publish_step_run_status_update

    from cli.aws.look import steps_of

    for step in steps_of(run).values():
        if not step.status.is_finished:
            try:
                publish_step_run_status_update(step.id, status)
            except IllegalOperationError:
                continue  # it has ended meanwhile
