"""One job: the request, what Describe answers, and what it has been asked to do. Safe to use from several threads."""

import copy
import threading
import time
from dataclasses import dataclass
from typing import Any

from rehearsal.errors import ServiceError

RUNNING = ("InProgress", "Stopping")


@dataclass(frozen=True)
class Kind:
    """A kind of job, as the API names it: `Training` in TrainingJobName, `training-job` in its ARN."""

    name: str

    @property
    def arn(self) -> str:
        """The resource type in the ARN."""
        return f"{self.name.lower()}-job"

    @property
    def log_group(self) -> str:
        """The CloudWatch log group."""
        return f"/aws/sagemaker/{self.name}Jobs"

    def member(self, what: str) -> str:
        """The name of a member, such as TrainingJobStatus."""
        return f"{self.name}Job{what}"


TRAINING, PROCESSING, TRANSFORM = Kind("Training"), Kind("Processing"), Kind("Transform")


class Job:
    """A job from its creation to its end."""

    def __init__(self, kind: Kind, request: dict[str, Any], arn: str) -> None:
        self.kind, self.request, self.arn = kind, request, arn
        self.name = str(request[kind.member("Name")])
        self.ended = threading.Event()
        self._wish: str | None = None
        self._lock = threading.RLock()
        now = time.time()
        self._described = {name: value for name, value in request.items() if name != "Tags"} | {
            kind.member("Arn"): arn,
            kind.member("Status"): "InProgress",
            "CreationTime": now,
            "LastModifiedTime": now,
        }

    @property
    def credentials(self) -> str:
        """What has the role: the job itself."""
        return f"{self.kind.name}/{self.name}"

    @property
    def status(self) -> str:
        """InProgress, Stopping, Completed, Failed or Stopped."""
        return str(self._described[self.kind.member("Status")])

    @property
    def wish(self) -> str | None:
        """What it is asked to do: `Stopped`, `Interrupted` (spot) or nothing."""
        return self._wish

    def describe(self) -> dict[str, Any]:
        """What Describe answers; a copy."""
        with self._lock:
            return copy.deepcopy(self._described)

    def update(self, **members: Any) -> None:
        """Sets members of the description."""
        with self._lock:
            self._described.update(members, LastModifiedTime=time.time())

    def enter(self, secondary: str, message: str) -> None:
        """Goes to the next secondary status (training jobs only)."""
        with self._lock:
            now = time.time()
            passed = self._described.setdefault("SecondaryStatusTransitions", [])
            if passed:
                passed[-1]["EndTime"] = now
            passed.append({"Status": secondary, "StartTime": now, "StatusMessage": message})
            self.update(SecondaryStatus=secondary)

    def stop(self) -> None:
        """Asks it to stop; one that has ended stays as it is, as in AWS."""
        with self._lock:
            if self.status == "InProgress":
                self._wish = "Stopped"
                self.update(**{self.kind.member("Status"): "Stopping"})
                if self.kind is TRAINING:
                    self.enter("Stopping", "Stopping the training job")

    def interrupt(self) -> None:
        """Takes its spot instances away.

        Raises:
            ServiceError: It is not a spot job that runs.
        """
        with self._lock:
            if not self.request.get("EnableManagedSpotTraining") or self.status != "InProgress":
                raise ServiceError("ValidationException", f"{self.name} is not a spot training job in progress.")
            self._wish = "Interrupted"

    def resume(self) -> None:
        """Forgets an interruption, once it has been carried out."""
        with self._lock:
            if self._wish == "Interrupted":
                self._wish = None

    def end(self, status: str, *, secondary: str | None = None, reason: str | None = None, **members: Any) -> None:
        """Ends it: status, secondary status and failure reason appear together."""
        with self._lock:
            now = time.time()
            if secondary is not None:
                self.enter(secondary, f"{self.kind.name} job {status.lower()}")
                self._described["SecondaryStatusTransitions"][-1]["EndTime"] = now
            if reason is not None:
                members["FailureReason"] = reason[:1024]
            self.update(**members, **{f"{self.kind.name}EndTime": now, self.kind.member("Status"): status})
        self.ended.set()
