"""Schedules of a stack on SageMaker: ZenML creates them, and can neither change nor delete them in EventBridge."""

from typing import Any

from zenml.client import Client
from zenml.config.schedule import Schedule
from zenml.models import ScheduleResponse, ScheduleUpdate
from zenml.utils.pagination_utils import depaginate

from finetune.errors import ConfigError, RunError
from operators.clients import clients_of
from operators.transient import patiently
from stacks import eventbridge


def create(experiment: str, cron: str, pipeline: Any, arguments: dict[str, Any]) -> None:
    """Schedules a composed pipeline under the experiment's name.

    Raises:
        ConfigError: The experiment has a schedule already, or the stack names no role for schedules.
    """
    client = Client()
    if client.list_schedules(name=f"equals:{experiment}").items:
        raise ConfigError(f"{experiment} has a schedule; `run.py schedule update {experiment}` changes its times")
    if client.active_stack.orchestrator.config.model_dump().get("scheduler_role") is None:
        raise ConfigError(
            f"values.scheduler_role in stacks/{client.active_stack_model.name}.yaml is missing: the role that "
            "EventBridge takes to start a pipeline (stacks/iam/README.md)"
        )
    try:
        pipeline.with_options(schedule=Schedule(name=experiment, cron_expression=cron))(**arguments)
    except BaseException:
        # ZenML has written it down before it asked AWS.
        for left in client.list_schedules(name=f"equals:{experiment}").items:
            client.zen_store.delete_schedule(left.id, soft=False)
        raise


def listed() -> list[str]:
    """A line for each schedule of the active stack: experiment, times, state in EventBridge."""
    orchestrator = Client().active_stack.orchestrator.id
    found = depaginate(Client().list_schedules, orchestrator_id=orchestrator, hydrate=True)
    width = max((len(each.name) for each in found), default=0)
    return [f"{each.name:<{width}}  cron({each.cron_expression})  {_state(each)}" for each in found]


def update(experiment: str, cron: str) -> None:
    """Changes the times in EventBridge, then on ZenML's server.

    Raises:
        RunError: There is no such schedule.
        ComputeError: AWS refuses.
    """
    known = _find(experiment)
    name = eventbridge.name_of(known.run_metadata)
    if name is None:
        raise RunError(f"{experiment}: ZenML's server does not know its schedule in EventBridge; delete and create it")
    patiently(lambda: eventbridge.set_cron(_client(), name, cron), f"changing the schedule of {experiment}")
    Client().zen_store.update_schedule(known.id, ScheduleUpdate(cron_expression=cron))


def delete(experiment: str) -> None:
    """Deletes it in EventBridge, then on ZenML's server.

    Raises:
        RunError: There is no such schedule.
        ComputeError: AWS refuses.
    """
    known = _find(experiment)
    name = eventbridge.name_of(known.run_metadata)
    if name is not None:
        patiently(lambda: eventbridge.remove(_client(), name), f"deleting the schedule of {experiment}")
    Client().zen_store.delete_schedule(known.id, soft=False)


def _state(schedule: ScheduleResponse) -> str:
    name = eventbridge.name_of(schedule.run_metadata)
    return (
        patiently(lambda: eventbridge.state(_client(), name), f"asking for {schedule.name}")
        if name
        else eventbridge.MISSING
    )


def _find(experiment: str) -> ScheduleResponse:
    found = Client().list_schedules(
        name=f"equals:{experiment}", orchestrator_id=Client().active_stack.orchestrator.id, hydrate=True
    )
    if not found.items:
        raise RunError(f"{experiment} has no schedule on this stack; `run.py schedule list` shows those that there are")
    return found.items[0]


def _client() -> Any:
    return clients_of(Client().active_stack)("scheduler")
