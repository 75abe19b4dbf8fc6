"""One SageMaker training job: submit it, wait for it with its log on the terminal, stop it, say why it failed."""

import time
from collections.abc import Callable
from typing import Any

from finetune.errors import ComputeError
from operators.logs import LogTail
from operators.transient import patiently

POLL_S = 5.0
LAST_LINES = 20
RUNNING = ("InProgress", "Stopping")

Say = Callable[[str], None]
Clients = Callable[[str], Any]
"""Gives the boto3 client of a service; asked again each time, because credentials expire while a job runs."""


def submit(client: Any, request: dict[str, Any]) -> str:
    """Creates the job and gives its ARN; one that an earlier, interrupted call has created already is taken over.

    Raises:
        ComputeError: AWS refuses it.
    """
    name, kind = request["TrainingJobName"], request["ResourceConfig"]["InstanceType"]

    def create() -> str:
        try:
            return str(client.create_training_job(**request)["TrainingJobArn"])
        except client.exceptions.ResourceInUse:
            return str(client.describe_training_job(TrainingJobName=name)["TrainingJobArn"])

    return patiently(create, f"submitting training job {name} ({request['ResourceConfig']['InstanceCount']} x {kind})")


def status(client: Any, name: str) -> str:
    """InProgress, Stopping, Completed, Failed or Stopped.

    Raises:
        ComputeError: AWS does not tell.
    """
    return str(describe(client, name)["TrainingJobStatus"])


def describe(client: Any, name: str) -> dict[str, Any]:
    """All that AWS says of the job.

    Raises:
        ComputeError: AWS does not tell.
    """
    return patiently(
        lambda: dict(client.describe_training_job(TrainingJobName=name)), f"asking for training job {name}"
    )


def wait(clients: Clients, name: str, say: Say, poll_s: float = POLL_S) -> dict[str, Any]:
    """Waits until the job has ended, says its lines and states as they come, and gives what AWS says of it.

    Whatever ends the waiting early, such as Ctrl-C, stops the job: nothing is left running and billed.

    Raises:
        ComputeError: The job failed or was stopped, or AWS did not answer for too long.
    """
    tail, told = LogTail(clients, name), 0
    try:
        while True:
            job = describe(clients("sagemaker"), name)
            passed = [each["Status"] for each in job.get("SecondaryStatusTransitions", [])]
            for state in passed[told:]:
                say(f"training job {name}: {state}")
            told = len(passed)
            for line in tail.new():
                say(line)
            if job["TrainingJobStatus"] not in RUNNING:
                break
            time.sleep(poll_s)
    except BaseException:
        stop(clients("sagemaker"), name)
        raise
    if job["TrainingJobStatus"] != "Completed":
        raise failure(job, tail)
    return job


def stop(client: Any, name: str) -> None:
    """Asks the job to stop, if it still runs.

    Raises:
        ComputeError: AWS refuses.
    """

    def ask() -> None:
        if client.describe_training_job(TrainingJobName=name)["TrainingJobStatus"] == "InProgress":
            client.stop_training_job(TrainingJobName=name)

    patiently(ask, f"stopping training job {name}")


def failure(job: dict[str, Any], tail: LogTail) -> ComputeError:
    """The error of a job that has ended without success: AWS's reason and the job's last lines."""
    name, state = job["TrainingJobName"], job["TrainingJobStatus"]
    reason = job.get("FailureReason") or limit_reached(job) or "somebody asked it to stop"
    lines = tail.last(LAST_LINES)
    shown = "\n".join(["its last lines:", *lines]) if lines else "it printed nothing"
    return ComputeError(f"training job {name} {'failed' if state == 'Failed' else 'was stopped'}: {reason}\n{shown}")


def limit_reached(job: dict[str, Any]) -> str | None:
    """The limit of its own at which AWS stopped a training job, and the key that raises it; None if it was none."""
    secondary, limits = job.get("SecondaryStatus"), job.get("StoppingCondition", {})
    if secondary == "MaxRuntimeExceeded":
        return (
            f"it ran longer than {limits.get('MaxRuntimeInSeconds', 0) / 3600:g} hours; "
            "raise max_run_hours of its step in compute"
        )
    if secondary == "MaxWaitTimeExceeded":
        return (
            f"there was no spot capacity for it within {limits.get('MaxWaitTimeInSeconds', 0) / 3600:g} hours; "
            "raise max_wait_hours of its step in compute, or leave out spot"
        )
    return None
