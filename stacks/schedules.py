"""Schedules of a stack on SageMaker: ZenML creates them, and can neither change nor delete them in EventBridge."""

from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from zenml.client import Client
from zenml.config.schedule import Schedule
from zenml.models import PipelineRunResponse, ScheduleResponse, ScheduleUpdate
from zenml.utils.pagination_utils import depaginate

from finetune.errors import ComputeError, ConfigError, RunError
from operators.clients import clients_of
from operators.transient import patiently
from stacks import eventbridge


@dataclass(frozen=True)
class Listed:
    """A schedule: its experiment, times, state in EventBridge, and newest run."""

    name: str
    cron: str
    state: str
    newest: PipelineRunResponse | None


def refuse_another(experiment: str) -> None:
    """Refuses what cannot be scheduled, before anything is composed for it.

    Raises:
        ConfigError: The experiment has a schedule already, or the stack names no role for schedules.
    """
    client = Client()
    stack = client.active_stack
    if stack.orchestrator.config.model_dump().get("scheduler_role") is None:
        raise ConfigError(
            f"values.scheduler_role in stacks/{stack.name}.yaml is missing: the role that EventBridge takes to start "
            "a pipeline (stacks/iam/README.md)"
        )
    known = client.list_schedules(name=f"equals:{experiment}", hydrate=True).items
    if known and known[0].orchestrator_id != stack.orchestrator.id:
        raise ConfigError(f"{experiment} has a schedule on another stack; delete that one first (--stack NAME)")
    if known:
        raise ConfigError(
            f"{experiment} has a schedule; `run.py schedule update {experiment}` changes its times, and for another "
            "config or other code, delete it and create it again"
        )


def create(experiment: str, cron: str, pipeline: Any, arguments: dict[str, Any]) -> None:
    """Schedules a composed pipeline under the experiment's name.

    Raises:
        ComputeError: AWS refuses; nothing is scheduled.
    """
    try:
        pipeline.with_options(schedule=Schedule(name=experiment, cron_expression=cron))(**arguments)
    except BaseException as error:
        # ZenML has written it down before it asked AWS.
        for left in Client().list_schedules(name=f"equals:{experiment}").items:
            Client().zen_store.delete_schedule(left.id, soft=False)
        if isinstance(error, (ClientError, BotoCoreError)):
            raise ComputeError(f"scheduling {experiment}: {error}; nothing is scheduled") from error
        raise


def listed() -> list[Listed]:
    """The schedules of the active stack.

    Raises:
        ComputeError: AWS does not tell.
    """
    orchestrator = Client().active_stack.orchestrator.id
    found = depaginate(Client().list_schedules, orchestrator_id=orchestrator, hydrate=True)
    return [Listed(each.name, str(each.cron_expression), _state(each), _newest(each)) for each in found]


def update(experiment: str, cron: str) -> None:
    """Changes the times in EventBridge, then on ZenML's server.

    Raises:
        RunError: There is no such schedule.
        ComputeError: AWS refuses.
    """
    known = _find(experiment)
    name = eventbridge.name_of(known.run_metadata)
    if name is None or _state(known) == eventbridge.MISSING:
        raise RunError(f"{experiment}: its schedule in EventBridge is missing; delete it here, and create it again")
    patiently(lambda: eventbridge.set_cron(_client(), name, cron), f"changing the schedule of {experiment}")
    Client().zen_store.update_schedule(known.id, ScheduleUpdate(cron_expression=cron))


def delete(experiment: str) -> list[PipelineRunResponse]:
    """Deletes it in EventBridge, then on ZenML's server; gives the runs of it that have not ended.

    While there are any, it stays on ZenML's server: their credentials there are the schedule's, and end with it.

    Raises:
        RunError: There is no such schedule.
        ComputeError: AWS refuses.
    """
    known = _find(experiment)
    name = eventbridge.name_of(known.run_metadata)
    if name is not None:
        patiently(lambda: eventbridge.remove(_client(), name), f"deleting the schedule of {experiment}")
    running = Client().list_pipeline_runs(schedule_id=known.id, in_progress=True, hydrate=True).items
    if not running:
        Client().zen_store.delete_schedule(known.id, soft=False)
    return list(running)


def _state(schedule: ScheduleResponse) -> str:
    name = eventbridge.name_of(schedule.run_metadata)
    if name is None:
        return eventbridge.MISSING
    return patiently(lambda: eventbridge.state(_client(), name), f"asking for the schedule of {schedule.name}")


def _newest(schedule: ScheduleResponse) -> PipelineRunResponse | None:
    found = Client().list_pipeline_runs(schedule_id=schedule.id, sort_by="desc:created", size=1, hydrate=True)
    return found.items[0] if found.items else None


def _find(experiment: str) -> ScheduleResponse:
    found = Client().list_schedules(
        name=f"equals:{experiment}", orchestrator_id=Client().active_stack.orchestrator.id, hydrate=True
    )
    if not found.items:
        raise RunError(f"{experiment} has no schedule on this stack; `run.py schedule list` shows those that there are")
    return found.items[0]


def _client() -> Any:
    return clients_of(Client().active_stack)("scheduler")
