"""One execution of a pipeline: what it has resolved, and how far each step is. Safe to use from several threads."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from rehearsal.errors import ServiceError
from rehearsal.pipelines.definition import Step

RUNNING = ("Executing", "Stopping")


@dataclass
class StepRun:
    """One step's run. `result` is what other steps' variables can name; `stop` asks what it runs to stop."""

    name: str
    status: str = "Executing"
    started: float = field(default_factory=time.time)
    ended: float | None = None
    reason: str | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    attempts: int = 1
    result: Callable[[], dict[str, Any]] = dict
    stop: Callable[[], None] = lambda: None

    def describe(self) -> dict[str, Any]:
        """As ListPipelineExecutionSteps shows it."""
        shown = {
            "StepName": self.name,
            "StepStatus": self.status,
            "StartTime": self.started,
            "AttemptCount": self.attempts,
            "Metadata": self.metadata,
            "EndTime": self.ended,
            "FailureReason": self.reason,
        }
        return {name: value for name, value in shown.items() if value is not None}

    def end(self, status: str, reason: str | None = None) -> None:
        """Ends it."""
        self.reason = None if reason is None else reason[:1024]
        self.ended, self.status = time.time(), status


class Execution:
    """An execution: `steps` are those known so far, as a condition adds those of the branch that it takes."""

    def __init__(self, pipeline: dict[str, Any], arn: str, request: dict[str, Any], steps: dict[str, Step]) -> None:
        self.pipeline, self.arn, self.request = pipeline, arn, request
        self.id = arn.rpartition("/")[2]
        self.parameters: dict[str, Any] = {}
        self.steps = dict(steps)
        self.runs: dict[str, StepRun] = {}
        self.created = self.modified = time.time()
        self.status, self.reason = "Executing", ""
        self.lock = threading.RLock()
        self.changed = threading.Condition(self.lock)
        pipe = {"PipelineArn": pipeline["PipelineArn"], "PipelineName": pipeline["PipelineName"]}
        begun = {"PipelineExecutionArn": arn, "PipelineExecutionId": self.id, "StartDateTime": _iso(self.created)}
        self.variables = pipe | begun

    def describe(self) -> dict[str, Any]:
        """As DescribePipelineExecution shows it."""
        shown = {
            "PipelineArn": self.pipeline["PipelineArn"],
            "PipelineExecutionArn": self.arn,
            "PipelineExecutionDisplayName": self.name,
            "PipelineExecutionDescription": self.request.get("PipelineExecutionDescription"),
            "PipelineExecutionStatus": self.status,
            "FailureReason": self.reason or None,
            "CreationTime": self.created,
            "LastModifiedTime": self.modified,
            "ParallelismConfiguration": self.request.get("ParallelismConfiguration"),
        }
        return {name: value for name, value in shown.items() if value is not None}

    @property
    def name(self) -> str:
        """The display name."""
        return str(self.request.get("PipelineExecutionDisplayName") or f"execution-{int(self.created * 1000)}")

    def enter(self, status: str, reason: str = "") -> None:
        """Goes to a status."""
        with self.changed:
            self.status, self.reason, self.modified = status, reason, time.time()
            self.changed.notify_all()

    def stop(self) -> None:
        """Stops it, with the jobs of its steps.

        Raises:
            ServiceError: It has ended.
        """
        with self.changed:
            if self.status not in RUNNING:
                raise ServiceError("ValidationException", f"Pipeline execution {self.arn} is already {self.status}.")
            self.enter("Stopping")
            for run in self.runs.values():
                if run.status == "Executing":
                    run.status = "Stopping"
                    run.stop()

    def again(self) -> None:
        """Forgets the steps that have failed or were stopped, to run them once more.

        Raises:
            ServiceError: It runs, or has succeeded.
        """
        with self.changed:
            if self.status not in ("Failed", "Stopped"):
                raise ServiceError("ValidationException", f"Pipeline execution {self.arn} is {self.status}: no retry.")
            self.runs = {name: run for name, run in self.runs.items() if run.status == "Succeeded"}
            self.enter("Executing")


def _iso(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
