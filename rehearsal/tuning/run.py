"""Runs a tuning job: starts training jobs as far as it may, until there is none to start and none runs."""

import logging
import math
import random
import time
from collections.abc import Iterator
from itertools import islice

from rehearsal.errors import ServiceError
from rehearsal.tuning.job import JobMaker, TuningJob
from rehearsal.tuning.progress import ACTIVE, Row, failure, to_start
from rehearsal.tuning.propose import Choice, Values, combinations, draws, grid, ranges_of

POLL_S = 0.1


def run_tuning(job: TuningJob, maker: JobMaker) -> None:
    """Returns once it has ended."""
    try:
        job.end(_run(job, maker))
    except ServiceError as error:
        _wind_up(job)
        job.end(f"ClientError: {error.message}")
    except Exception as error:
        logging.exception("tuning job %s", job.name)
        _wind_up(job)
        job.end(f"InternalServerError: {error}")


def _run(job: TuningJob, maker: JobMaker) -> str | None:
    """Why it failed; None if it did not.

    Raises:
        ServiceError: A training job is refused.
    """
    proposed = proposals(job.config)
    until = time.time() + job.config["ResourceLimits"].get("MaxRuntimeInSeconds", math.inf)
    while job.status == "InProgress" and time.time() < until:
        rows = job.rows()
        count = _startable(job, rows)
        for values in islice(proposed, count):
            job.start(maker, values)
        if not count and not _active(rows):
            return failure(rows)
        time.sleep(POLL_S)
    _wind_up(job)
    return failure(job.rows())


def proposals(config: Row) -> Iterator[Values]:
    """The values of one training job after the other. All strategies but Grid draw at random."""
    ranges = ranges_of(config["ParameterRanges"])
    if config["Strategy"] == "Grid":
        return grid([each for each in ranges if isinstance(each, Choice)])
    return draws(ranges, config.get("RandomSeed", random.randrange(2**31)))


def _startable(job: TuningJob, rows: list[Row]) -> int:
    limits = job.config["ResourceLimits"]
    most = limits.get("MaxNumberOfTrainingJobs", combinations(ranges_of(job.config["ParameterRanges"])))
    criteria = job.config.get("TuningJobCompletionCriteria") or {}
    return to_start(rows, most, limits["MaxParallelTrainingJobs"], job.objective["Type"], criteria)


def _wind_up(job: TuningJob) -> None:
    """Stops the training jobs and waits for them."""
    job.stop_training()
    while _active(job.rows()):
        time.sleep(POLL_S)


def _active(rows: list[Row]) -> bool:
    return any(row["TrainingJobStatus"] in ACTIVE for row in rows)
