"""The lines of a run's jobs, step by step, as CloudWatch gets them."""

from collections.abc import Iterator

from cli.aws.states import RunState, StepState
from operators.execution import Job
from operators.jobs import Clients
from operators.logs import LogTail

ROUNDS_AFTER_END = 3
"""CloudWatch shows a job's last lines some seconds after its end."""


class Tails:
    """Gives each line of each step's job once."""

    def __init__(self, clients: Clients) -> None:
        """Takes the clients of the run's stack."""
        self._clients = clients
        self._tails: dict[str, LogTail] = {}
        self._rounds: dict[str, int] = {}

    def new(self, state: RunState) -> Iterator[tuple[str, str]]:
        """The step and the line, for all that is new."""
        for step in state.steps:
            if (job := _worker(step)) and self._rounds.get(job.name, 0) < ROUNDS_AFTER_END:
                tail = self._tails.setdefault(job.name, LogTail(self._clients, job.name, job.kind))
                for line in tail.new():
                    yield step.name, line
                if not job.runs:
                    self._rounds[job.name] = self._rounds.get(job.name, 0) + 1

    def drained(self, state: RunState) -> bool:
        """Whether the lines of all jobs that have ended were read often enough."""
        names = [job.name for step in state.steps if (job := _worker(step)) and not job.runs]
        return all(self._rounds.get(name, 0) >= ROUNDS_AFTER_END for name in names)

    def last(self, step: StepState, count: int) -> list[str]:
        """The last lines of a step's job, whichever it has."""
        return LogTail(self._clients, step.job.name, step.job.kind).last(count) if step.job else []


def _worker(step: StepState) -> Job | None:
    """The job that does a step's work: one that waits for a training job repeats that one's lines."""
    waits = step.operated and step.job is not None and step.job.kind == "Processing" and not step.has_ended
    return None if waits else step.job
