"""Writes what came of a run into its run.json: by who followed it, or by who looks at one that nobody followed."""

from typing import TYPE_CHECKING
from uuid import UUID

from cli.states import RunState
from cli.summary import outcome
from finetune import runs
from finetune.errors import FinetuneError
from finetune.experiment import Home
from finetune.progress import say
from finetune.runs import Run, Status

if TYPE_CHECKING:
    from zenml.models import PipelineRunResponse


def write_outcome(record: Run, status: Status, home: Home, pipeline_run: "PipelineRunResponse | None") -> Run:
    """Writes the outcome of a run, and its report beside it; gives the record with it.

    Raises:
        RunError: Either cannot be written.
    """
    ended = outcome(record, status, home, pipeline_run)
    ended.write(home)
    return ended


def record_end(run_id: UUID, state: RunState) -> None:
    """Writes the outcome of a run that has ended, if its run.json still says that it runs.

    A job that was killed has told ZenML's server nothing, so the run is marked as ended there, too.
    """
    if state.status is Status.RUNNING or state.runs:
        return
    from zenml.client import Client
    from zenml.enums import ExecutionStatus

    from cli.find import known_of
    from cli.mark import mark_ended

    mark_ended(run_id, ExecutionStatus(state.status.value))
    run = Client().get_pipeline_run(run_id)
    known = known_of(run)
    root = known.get("config", {}).get("root")
    if root is None or "run_number" not in known:
        return  # a scheduled run that ended before it claimed a number
    home, number = Home(root, known["experiment"]), int(known["run_number"])
    try:
        with runs.held(home, number):
            record = runs.read(home, number)
            if record.status is Status.RUNNING:
                write_outcome(record, state.status, home, run)
                say(f"its outcome is written into {home.run(number) / runs.RECORD}")
    except FinetuneError as error:
        say(f"its outcome is not recorded: {error}")
