"""Writes what came of a run into its run.json: by who followed it, or by who looks at one that nobody followed."""

from typing import TYPE_CHECKING
from uuid import UUID

from cli.aws.states import RunState
from cli.summary import artifacts_of, outcome
from finetune import runs
from finetune.errors import FinetuneError
from finetune.experiment import Home
from finetune.progress import say
from finetune.runs import Run, Status
from finetune.storage.storage import storage_of

if TYPE_CHECKING:
    from zenml.models import PipelineRunResponse


def write_outcome(record: Run, status: Status, home: Home, pipeline_run: "PipelineRunResponse | None") -> Run:
    """Writes the outcome of a run, and its report beside it; gives the record with it.

    A run whose artifacts are gone is no completed one: its steps came from the cache, which does not look for them.

    Raises:
        RunError: Either cannot be written.
    """
    gone = _gone(pipeline_run) if status is Status.COMPLETED and pipeline_run else []
    if gone:
        say(f"error: {', '.join(gone)}: deleted since a step made it; make it anew with --no-cache")
        ended = record.ended(Status.FAILED)
    else:
        ended = outcome(record, status, home, pipeline_run)
    ended.write(home)
    if ended.status in (Status.COMPLETED, Status.GATED):  # until here a resumed run may need them
        _forget_checkpoints(home, record.run_number)
    return ended


def _forget_checkpoints(home: Home, number: int) -> None:
    """Removes a run's checkpoints; what cannot be removed costs room and no run."""
    folder = home.checkpoints(number)
    try:
        home.storage.delete_below(str(folder))
    except (OSError, FinetuneError) as error:
        say(f"{folder} is no longer needed, but cannot be removed ({error}); remove it by hand")


def _gone(pipeline_run: "PipelineRunResponse") -> list[str]:
    """The run's artifacts of which no file is left, with their places."""
    places = {name: artifact.uri for name, artifact in artifacts_of(pipeline_run).items()}
    return [f"{name} ({place})" for name, place in places.items() if not any(storage_of(place).below(place))]


def record_end(run_id: UUID, state: RunState) -> None:
    """Writes the outcome of a run that has ended, if its run.json still says that it runs.

    A job that was killed has told ZenML's server nothing, so the run is marked as ended there, too.
    """
    if state.status is Status.RUNNING or state.runs:
        return
    from zenml.client import Client
    from zenml.enums import ExecutionStatus

    from cli.aws.find import known_of
    from cli.aws.mark import mark_ended

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
