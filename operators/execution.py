"""What SageMaker knows of a pipeline execution: its status, its steps, and each step's job."""

import re
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from operators.jobs import RUNNING, limit_reached
from operators.transient import patiently

EXECUTING = ("Executing", "Stopping")
MISSING = ("ValidationException", "ResourceNotFound")


@dataclass(frozen=True)
class Job:
    """One job: `kind` is Training or Processing."""

    kind: str
    name: str
    status: str
    instance_type: str
    instance_count: int
    seconds: float | None = None
    """From the start of its containers, until now or its end; None while it waits for machines."""
    reason: str | None = None

    @property
    def runs(self) -> bool:
        """Whether it is running, and billed."""
        return self.status in RUNNING


@dataclass(frozen=True)
class ExecutedStep:
    """A step as the execution shows it; `job` is the name of its processing job."""

    status: str
    reason: str | None = None
    job: str | None = None


@dataclass(frozen=True)
class Execution:
    """A pipeline execution; steps that have not begun are missing."""

    status: str
    reason: str | None = None
    steps: dict[str, ExecutedStep] = field(default_factory=dict)

    @property
    def runs(self) -> bool:
        """Whether steps of it run, or may still start."""
        return self.status in EXECUTING


JOB_ARN = re.compile(r":(processing|training)-job/(.+)$")
AS_EXECUTION = {"InProgress": "Executing", "Completed": "Succeeded"}
"""What a job's status would be called of an execution; the others have the same names."""


def hosted_execution(client: Any, arn: str) -> Execution | None:
    """What is known of a dynamic pipeline: the job in which its function runs; None for another ARN.

    Raises:
        ComputeError: AWS does not tell.
    """
    host = host_of(arn)
    job = job_of(client, *host) if host else None
    return None if job is None else Execution(AS_EXECUTION.get(job.status, job.status), job.reason)


def host_of(arn: str) -> tuple[str, str] | None:
    """Kind and name of the job in which a dynamic pipeline's function runs; None for a pipeline execution."""
    found = JOB_ARN.search(arn)
    return (found[1].capitalize(), found[2]) if found else None


def execution_of(client: Any, arn: str) -> Execution:
    """The execution with its steps.

    Raises:
        ComputeError: AWS does not tell.
    """
    asking = f"asking for pipeline execution {arn.rpartition('/')[2]}"
    about = patiently(lambda: dict(client.describe_pipeline_execution(PipelineExecutionArn=arn)), asking)
    pages = client.get_paginator("list_pipeline_execution_steps")
    listed = patiently(
        lambda: [step for page in pages.paginate(PipelineExecutionArn=arn) for step in page["PipelineExecutionSteps"]],
        asking,
    )
    return Execution(
        about["PipelineExecutionStatus"], about.get("FailureReason"), {step["StepName"]: _step(step) for step in listed}
    )


def job_of(client: Any, kind: str, name: str) -> Job | None:
    """A job as AWS describes it now; None if it does not exist, as when it was announced and never submitted.

    Raises:
        ComputeError: AWS does not tell.
    """

    def describe() -> dict[str, Any] | None:
        try:
            if kind == "Training":
                return dict(client.describe_training_job(TrainingJobName=name))
            return dict(client.describe_processing_job(ProcessingJobName=name))
        except ClientError as error:
            if error.response["Error"]["Code"] in MISSING:
                return None
            raise

    found = patiently(describe, f"asking for {kind.lower()} job {name}")
    return None if found is None else _job(kind, name, found)


def _step(step: dict[str, Any]) -> ExecutedStep:
    arn = step.get("Metadata", {}).get("ProcessingJob", {}).get("Arn")
    return ExecutedStep(step["StepStatus"], step.get("FailureReason"), arn and arn.rpartition("/")[2])


def _job(kind: str, name: str, found: dict[str, Any]) -> Job:
    cluster = found["ResourceConfig"] if kind == "Training" else found["ProcessingResources"]["ClusterConfig"]
    started = found.get("TrainingStartTime" if kind == "Training" else "ProcessingStartTime")
    ended = found.get("TrainingEndTime" if kind == "Training" else "ProcessingEndTime")
    seconds = (ended or _now(started)) - started if started else None
    return Job(
        kind,
        name,
        found[f"{kind}JobStatus"],
        cluster["InstanceType"],
        cluster["InstanceCount"],
        None if seconds is None else seconds.total_seconds(),
        found.get("FailureReason") or limit_reached(found),
    )


def _now(like: Any) -> Any:
    return type(like).now(like.tzinfo)
