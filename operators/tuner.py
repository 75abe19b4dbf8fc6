"""A study that SageMaker's own hyperparameter tuning job carries out: begun or found again, waited for, and stopped."""

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import count
from typing import Any

from botocore.exceptions import ClientError

from finetune.tuning.engine import LEAST_S
from finetune.tuning.journal import Record, State
from finetune.tuning.limits import HOUR_S, best, spent
from finetune.tuning.signals import StopStudy
from finetune.tuning.words import ended_line, told
from operators.execution import MISSING
from operators.jobs import Clients, Say
from operators.transient import patiently
from operators.tuning_request import Wanted, tuning_request
from operators.tuning_rows import INTERRUPTED, TuningJob, interrupted, records_of, tuning_job_of

POLL_S = 5.0


def search(clients: Clients, wanted: Wanted, say: Say, poll_s: float = POLL_S) -> list[Record]:
    """Carries out a study from where it stands, and gives its trials, numbered from 1.

    A tuning job that runs is waited for. One that was stopped cannot go on: another one has the trials that are left.

    Args:
        clients: Gives the client of a service.
        wanted: The first tuning job, without the number at the end of its name.
        say: Takes a line when a trial begins or ends.
        poll_s: Seconds between two looks.

    Raises:
        StudyStopped: SIGINT or SIGTERM came; the tuning job is asked to stop, and keeps what is done.
        ComputeError: AWS refuses, or did not answer for too long; the tuning job is asked to stop.
        TuneError: SageMaker tried what the space does not hold.
    """
    return _Tuner(clients, wanted, say, poll_s).run()


def find(client: Any, name: str) -> TuningJob | None:
    """The tuning job of that name; None if there is none.

    Raises:
        ComputeError: AWS does not tell.
    """

    def ask() -> TuningJob | None:
        try:
            return tuning_job_of(client.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=name))
        except ClientError as error:
            if error.response["Error"]["Code"] in MISSING:
                return None
            raise

    return patiently(ask, f"asking for tuning job {name}")


def stop(client: Any, name: str) -> None:
    """Asks a tuning job to stop with its training jobs, if it still runs.

    Raises:
        ComputeError: AWS refuses.
    """

    def ask() -> None:
        try:
            client.stop_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
        except ClientError:
            job = find(client, name)
            if job is not None and job.status == "InProgress":  # else it has ended meanwhile
                raise

    patiently(ask, f"stopping tuning job {name}")


class _Tuner:
    """One study."""

    def __init__(self, clients: Clients, wanted: Wanted, say: Say, poll_s: float) -> None:
        self._clients, self._wanted, self._say, self._poll_s = clients, wanted, say, poll_s
        self._settings = wanted.settings
        self._done: list[Record] = []
        self._told: dict[int, State] = {}

    @property
    def _client(self) -> Any:
        return self._clients("sagemaker")

    def run(self) -> list[Record]:
        with StopStudy("tune: stopping the tuning job; trials that have ended are kept") as asked:
            jobs = self._jobs()
            for job in jobs[:-1]:
                self._done += interrupted(self._records(job), self._settings.parallel)
            last = jobs[-1] if jobs else None
            if last is not None and last.status == "Stopping":
                last = self._wait(last, asked)
            if last is not None and last.status in ("Stopped", "Failed"):
                self._done += interrupted(self._records(last), self._settings.parallel)
                last = None
            if last is None:
                last = self._begin(jobs)
            elif last.runs:
                self._take_over(last)
            if last is None:
                return self._done
            self._wait(last, asked)
            return self._done + self._records(last)

    def _jobs(self) -> list[TuningJob]:
        """The study's tuning jobs so far."""
        found = []
        for attempt in count(1):
            job = find(self._client, self._name(attempt))
            if job is None:
                break
            found.append(job)
        return found

    def _name(self, attempt: int) -> str:
        return f"{self._wanted.name}-{attempt}"

    def _begin(self, before: Sequence[TuningJob]) -> TuningJob | None:
        """Creates the next tuning job for what is left; gives None if nothing is."""
        settings, attempt = self._settings, len(before) + 1
        again = (record for record in self._done if record.state is State.FAILED or record.reason == INTERRUPTED)
        left = settings.trials - len(self._done) + len(list(again))
        seconds = None
        if settings.max_hours is not None:
            seconds = settings.max_hours * HOUR_S - sum(job.seconds for job in before)
        too_late = before and seconds is not None and seconds < LEAST_S
        if left < 1 or too_late or spent(settings, 0.0, sum(record.seconds for record in self._done)):
            return None
        wanted = replace(self._wanted, name=self._name(attempt), attempt=attempt, trials=left, seconds=seconds)
        request = tuning_request(wanted)

        def create() -> TuningJob | None:
            with suppress(self._client.exceptions.ResourceInUse):  # an earlier, interrupted call has created it
                self._client.create_hyper_parameter_tuning_job(**request)
            return find(self._client, wanted.name)

        self._say(f"tune: tuning job {wanted.name}: {left} trials, {settings.parallel} at a time")
        return patiently(create, f"submitting tuning job {wanted.name}")

    def _take_over(self, job: TuningJob) -> None:
        """Tells the tuning job which run waits for it now, so that this run's end finds it."""
        tags = [{"Key": key, "Value": value} for key, value in self._wanted.tags.items()]
        patiently(lambda: self._client.add_tags(ResourceArn=job.arn, Tags=tags), f"tagging tuning job {job.name}")
        self._say(f"tune: goes on with tuning job {job.name}")

    def _wait(self, job: TuningJob, asked: StopStudy) -> TuningJob:
        """Waits for its end; whatever ends the waiting early stops it: nothing is left running and billed."""
        try:
            while job.runs:
                asked.check()
                self._look(job)
                time.sleep(self._poll_s)
                job = find(self._client, job.name) or job
            self._look(job)
            asked.check()
        except BaseException:
            stop(self._client, job.name)
            raise
        self._say(f"tune: tuning job {job.name}: {job.status}{f': {job.reason}' if job.reason else ''}")
        return job

    def _look(self, job: TuningJob) -> None:
        """Says what began and ended, and stops the tuning job where its cost is reached."""
        records = self._done + self._records(job)
        lower = self._wanted.lower_is_better
        for record in records[len(self._done) :]:
            if record.number not in self._told:
                self._say(f"tune: trial {record.number} of {self._settings.trials}: {told(record.params)}")
            if record.state is not State.RUNNING and self._told.get(record.number) is not record.state:
                self._say(ended_line(record, best(records, lower_is_better=lower)))
            self._told[record.number] = record.state
        limit = spent(self._settings, 0.0, sum(record.seconds for record in records))
        if limit is not None and job.status == "InProgress":
            self._say(f"tune: {limit}")
            stop(self._client, job.name)

    def _records(self, job: TuningJob) -> list[Record]:
        """The trials of one tuning job, which follow those of the tuning jobs before it."""

        def ask() -> list[dict[str, Any]]:
            pages = self._client.get_paginator("list_training_jobs_for_hyper_parameter_tuning_job").paginate(
                HyperParameterTuningJobName=job.name, SortBy="CreationTime", SortOrder="Ascending"
            )
            return [row for page in pages for row in page["TrainingJobSummaries"]]

        rows = patiently(ask, f"asking for the trials of tuning job {job.name}")
        return records_of(rows, self._settings.space, len(self._done) + 1)
