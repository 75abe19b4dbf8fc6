"""One tuning job: its request, its training jobs, and what Describe answers. Safe to use from several threads."""

import copy
import secrets
import threading
import time
from typing import Any, Protocol

from rehearsal.errors import ServiceError
from rehearsal.jobs.job import TRAINING, Job, Kind
from rehearsal.tuning.definition import kept, training_request
from rehearsal.tuning.progress import ACTIVE, Row, best, objective_counters, status_counters, summary


class JobMaker(Protocol):
    """Who creates training jobs: the service."""

    def create_valid_job(self, kind: Kind, request: dict[str, Any]) -> Job:
        """Validates the request and starts the job."""

    def check_valid_training(self, request: dict[str, Any], at_once: int) -> None:
        """Checks that so many training jobs with this request could start."""


class TuningJob:
    """A tuning job from its creation to its end."""

    def __init__(self, request: dict[str, Any], arn: str) -> None:
        self.name, self.arn = str(request["HyperParameterTuningJobName"]), arn
        self.config: dict[str, Any] = request["HyperParameterTuningJobConfig"]
        self.objective: dict[str, str] = self.config["HyperParameterTuningJobObjective"]
        self.definition = kept(request["TrainingJobDefinition"], self.objective["MetricName"])
        self.status, self._tags = "InProgress", request.get("Tags") or []
        self._jobs: list[tuple[Job, dict[str, str]]] = []
        self._lock = threading.RLock()
        self._created = self._modified = time.time()
        self._end: dict[str, Any] = {}

    def rows(self) -> list[Row]:
        """The summaries of its training jobs, oldest first."""
        with self._lock:
            jobs = list(self._jobs)
        found = [summary(job.describe() | {"TuningJobName": self.name}, tuned, self.objective) for job, tuned in jobs]
        name = self.definition.get("DefinitionName")
        return found if name is None else [{"TrainingJobDefinitionName": name} | row for row in found]

    def describe(self) -> dict[str, Any]:
        """What Describe answers; a copy."""
        # With the lock: a status that says it has ended must not stand beside counters from before.
        with self._lock:
            rows = self.rows()
            members = self.head(rows) | {"HyperParameterTuningJobConfig": self.config, **self._end}
            members |= {"TrainingJobDefinition": self.definition}
        found = best(rows, self.objective["Type"])
        return copy.deepcopy(members | ({} if found is None else {"BestTrainingJob": found}))

    def head(self, rows: list[Row]) -> dict[str, Any]:
        """What Describe and List both answer."""
        return {
            "HyperParameterTuningJobName": self.name,
            "HyperParameterTuningJobArn": self.arn,
            "HyperParameterTuningJobStatus": self.status,
            "CreationTime": self._created,
            "LastModifiedTime": self._modified,
            "TrainingJobStatusCounters": status_counters(rows),
            "ObjectiveStatusCounters": objective_counters(rows),
        }

    def listed(self) -> dict[str, Any]:
        """What List answers."""
        limits = {"Strategy": self.config["Strategy"], "ResourceLimits": self.config["ResourceLimits"]}
        with self._lock:
            end = {name: value for name, value in self._end.items() if name != "FailureReason"}
            return self.head(self.rows()) | limits | end

    def next_request(self, tuned: dict[str, str]) -> dict[str, Any]:
        """The request of the next training job, with these values."""
        name = f"{self.name}-{len(self._jobs) + 1:03d}-{secrets.token_hex(4)}"
        return training_request(name, self.definition, tuned, self._tags)

    def start(self, maker: JobMaker, tuned: dict[str, str]) -> None:
        """Starts a training job, unless it is to stop.

        Raises:
            ServiceError: The training job is refused.
        """
        with self._lock:
            if self.status == "InProgress":
                job = maker.create_valid_job(TRAINING, self.next_request(tuned))
                job.update(TuningJobArn=self.arn)
                self._jobs.append((job, tuned))
                self._modified = time.time()

    def stop(self) -> None:
        """Stops it, with its training jobs.

        Raises:
            ServiceError: It does not run.
        """
        with self._lock:
            if self.status not in ACTIVE:
                text = f"The request was rejected because the hyperparameter tuning job is in status {self.status}."
                raise ServiceError("ValidationException", text)
            self.status, self._modified = "Stopping", time.time()
            self.stop_training()

    def stop_training(self) -> None:
        """Stops its training jobs."""
        with self._lock:
            for job, _ in self._jobs:
                job.stop()

    def end(self, reason: str | None) -> None:
        """Ends it: as stopped where it was asked to, as failed where there is a reason, else as completed."""
        with self._lock:
            self._modified = time.time()
            self._end = {"HyperParameterTuningEndTime": self._modified}
            if self.status == "Stopping":
                self.status = "Stopped"
                return
            if reason is not None:
                self._end["FailureReason"] = reason[:1024]
            self.status = "Completed" if reason is None else "Failed"
