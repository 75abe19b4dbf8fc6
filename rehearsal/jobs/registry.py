"""The jobs of one kind in one region: add, find, list as the API lists."""

import threading
from collections.abc import Callable
from typing import Any

from rehearsal.errors import ServiceError
from rehearsal.jobs.job import Job, Kind
from rehearsal.paging import page

SUMMARY = ("CreationTime", "LastModifiedTime", "SecondaryStatus", "FailureReason", "ExitMessage")


class Registry:
    """Jobs by name. A name is never free again, as in AWS."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self._jobs: dict[str, Job] = {}
        self._lock = threading.Lock()

    def add(self, job: Job, check: Callable[[], None]) -> None:
        """Adds a job once `check` lets it pass; both happen as one, so that two requests cannot share one quota.

        Raises:
            ServiceError: ResourceInUse, if the name is taken; or what `check` raises.
        """
        with self._lock:
            if job.name in self._jobs:
                raise ServiceError(
                    "ResourceInUse",
                    f"{self.kind.name} job names must be unique within an AWS account and region, and a "
                    f"{self.kind.name.lower()} job with this name already exists ({job.arn})",
                )
            check()
            self._jobs[job.name] = job

    def get(self, name: str) -> Job:
        """The job.

        Raises:
            ServiceError: There is none.
        """
        if name not in self._jobs:
            raise ServiceError("ValidationException", "Requested resource not found.")
        return self._jobs[name]

    def all(self) -> list[Job]:
        """All of them, oldest first."""
        return list(self._jobs.values())

    def list(self, request: dict[str, Any]) -> dict[str, Any]:
        """One page of summaries, filtered and sorted as the request asks."""
        names = (self.kind.member("Name"), self.kind.member("Arn"), self.kind.member("Status"))
        shown = {*names, f"{self.kind.name}EndTime", *SUMMARY}
        described = [job.describe() for job in self._jobs.values()]
        rows = [{name: row[name] for name in row if name in shown} for row in described]
        return page(rows, request, self.kind.member("Summaries"), name=names[0], status=names[2])
