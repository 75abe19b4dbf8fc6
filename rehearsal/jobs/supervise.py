"""Waits for the hosts of a job: sends logs on, uploads in between, and ends it when asked or when its time is over."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from rehearsal.executor.container import Container
from rehearsal.jobs.job import Job
from rehearsal.jobs.outcome import OUT_OF_TIME, OUT_OF_WAIT
from rehearsal.logs import LogStream

POLL_S = 0.1


@dataclass(frozen=True)
class Deadlines:
    """Seconds since the epoch; `wait` is the spot job's, which counts from its creation."""

    run: float
    wait: float = float("inf")


def supervise(
    job: Job,
    hosts: list[tuple[Container, LogStream]],
    *,
    deadlines: Deadlines,
    grace_s: float,
    sync: Callable[[], None],
    sync_s: float,
) -> str | None:
    """Returns once all hosts have ended: why the platform ended them, or None if they ended by themselves."""
    containers = [container for container, _ in hosts]
    ending = _end_when_due(job, containers, deadlines, grace_s)
    synced = time.time()
    why = None
    while any(container.exit_code() is None for container in containers):
        why = next(ending)
        for _, stream in hosts:
            stream.pump()
        if time.time() - synced > sync_s:
            sync()
            synced = time.time()
        time.sleep(POLL_S)
    for container, stream in hosts:
        container.end()
        stream.pump(last=True)
    sync()
    return why


def exit_codes(hosts: list[tuple[Container, LogStream]]) -> list[int]:
    """The exit codes of hosts that have ended."""
    return [container.end() for container, _ in hosts]


def _end_when_due(job: Job, containers: list[Container], deadlines: Deadlines, grace_s: float) -> Iterator[str | None]:
    """Each step looks once whether to end them: SIGTERM, then SIGKILL after the grace. Yields why, or None."""
    why, kill_at = None, float("inf")
    while True:
        if why is None:
            why = _due(job, deadlines)
            if why is not None:
                kill_at = time.time() + grace_s
                for container in containers:
                    container.stop()
        # One host's failure is the job's, or the others would wait for it. While it stops, each has its grace.
        failed = why is None and any(container.exit_code() not in (None, 0) for container in containers)
        if failed or time.time() > kill_at:
            for container in containers:
                if container.exit_code() is None:
                    container.kill()
        yield why


def _due(job: Job, deadlines: Deadlines) -> str | None:
    """Why to end it now."""
    if job.wish is not None:
        return job.wish
    # The wait first: it counts from the creation, so it is over no later than a run of the same length.
    if time.time() > deadlines.wait:
        return OUT_OF_WAIT
    return OUT_OF_TIME if time.time() > deadlines.run else None
