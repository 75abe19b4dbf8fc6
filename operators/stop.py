"""Stops a pipeline execution and every training job that its steps started, and looks again until nothing runs."""

import time
from collections.abc import Callable, Collection
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from operators import jobs, tuner
from operators.execution import EXECUTING, Job, host_of, job_of
from operators.jobs import Clients, Say
from operators.names import readable_run
from operators.transient import patiently
from operators.tuning_request import ticket_of

POLL_S = 2.0
RUN_TAG = "finetune:run"
"""Tag of a training job: the name of the run whose step started it."""


def stop_run(
    clients: Clients,
    execution: str | None,
    run_name: str,
    began: datetime,
    announced: Callable[[], Collection[str]],
    say: Say,
    poll_s: float = POLL_S,
) -> list[str]:
    """Stops all of a run and gives what was stopped, a line each; nothing, if nothing ran.

    Args:
        clients: Gives the client of a service.
        execution: ARN of the pipeline execution, or of the job that hosts a dynamic pipeline; None if there is none.
        run_name: The run's name, by which its jobs are tagged.
        began: When the run began; no job of it is older.
        announced: Names of the training jobs that its steps have announced by now.
        say: Takes a line when something is asked to stop.
        poll_s: Seconds between two looks.

    Raises:
        ComputeError: AWS refuses.
    """
    stopped: dict[str, str] = {}
    known: set[str] = set()
    tuned: set[str] = set()
    while True:
        sagemaker = clients("sagemaker")
        # Before the jobs: a step of an execution that has ended starts no other job.
        execution_runs = execution is not None and _stop_execution(sagemaker, execution, stopped, say)
        tuning = [name for name in _tuning(sagemaker, run_name, tuned) if _stop_tuning(sagemaker, name, stopped, say)]
        known.update(announced(), _tagged(sagemaker, run_name, began))
        running = [job for name in sorted(known) if (job := job_of(sagemaker, "Training", name)) and job.runs]
        for job in running:
            _stop_job(sagemaker, job, stopped, say)
        if not execution_runs and not running and not tuning:
            return list(stopped.values())
        time.sleep(poll_s)


def _stop_execution(client: Any, arn: str, stopped: dict[str, str], say: Say) -> bool:
    """Asks it to stop, if it does not yet; gives whether it still runs."""
    if host_of(arn) is not None:
        return _stop_host(client, arn, stopped, say)

    def status() -> str:
        return str(client.describe_pipeline_execution(PipelineExecutionArn=arn)["PipelineExecutionStatus"])

    def ask() -> str:
        found = status()
        if found != "Executing":
            return found
        try:
            client.stop_pipeline_execution(PipelineExecutionArn=arn)
        except ClientError:
            if (found := status()) == "Executing":  # else it has ended meanwhile
                raise
        return found

    found = patiently(ask, f"stopping pipeline execution {arn.rpartition('/')[2]}")
    if found in EXECUTING and arn not in stopped:
        stopped[arn] = f"pipeline execution {arn.rpartition('/')[2]}"
        say(f"stopping {stopped[arn]}")
    return found in EXECUTING


def _stop_host(client: Any, arn: str, stopped: dict[str, str], say: Say) -> bool:
    kind, name = host_of(arn) or ("", "")
    job = job_of(client, kind, name)
    if job is None or not job.runs:
        return False
    if name not in stopped:
        stopped[name] = f"{kind.lower()} job {name}, which hosts the pipeline"
        say(f"stopping {stopped[name]}")
        patiently(lambda: ask_to_stop(client, arn), f"stopping {kind.lower()} job {name}")
    return True


def ask_to_stop(client: Any, arn: str) -> None:
    """Asks a pipeline execution to stop, or the job that hosts a dynamic pipeline."""
    host = host_of(arn)
    if host is None:
        client.stop_pipeline_execution(PipelineExecutionArn=arn)
    elif host[0] == "Processing":
        client.stop_processing_job(ProcessingJobName=host[1])
    else:
        client.stop_training_job(TrainingJobName=host[1])


def stop_command(arn: str) -> str:
    """How a person does the same."""
    host = host_of(arn)
    if host is None:
        return f"aws sagemaker stop-pipeline-execution --pipeline-execution-arn {arn}"
    kind = host[0].lower()
    return f"aws sagemaker stop-{kind}-job --{kind}-job-name {host[1]}"


def _stop_job(client: Any, job: Job, stopped: dict[str, str], say: Say) -> None:
    if job.name not in stopped:
        stopped[job.name] = f"training job {job.name} ({job.instance_count} x {job.instance_type})"
        say(f"stopping {stopped[job.name]}")
        jobs.stop(client, job.name)


def _tuning(client: Any, run_name: str, known: set[str]) -> list[str]:
    """Adds the tuning jobs that run and have the run's tag to those that are known, and gives all of them."""

    def look() -> list[str]:
        pages = client.get_paginator("list_hyper_parameter_tuning_jobs").paginate(
            NameContains=ticket_of(run_name), StatusEquals="InProgress"
        )
        return [
            job["HyperParameterTuningJobName"]
            for page in pages
            for job in page["HyperParameterTuningJobSummaries"]
            if _is_tagged(client, job["HyperParameterTuningJobArn"], run_name)
        ]

    known.update(patiently(look, f"looking for tuning jobs of {run_name}"))
    return sorted(known)


def _stop_tuning(client: Any, name: str, stopped: dict[str, str], say: Say) -> bool:
    """Asks it to stop, if it was not asked yet; gives whether it still runs."""
    if name not in stopped:
        stopped[name] = f"tuning job {name} with its training jobs"
        say(f"stopping {stopped[name]}")
        tuner.stop(client, name)
    job = tuner.find(client, name)
    return job is not None and job.runs


def _is_tagged(client: Any, arn: str, run_name: str) -> bool:
    return {"Key": RUN_TAG, "Value": run_name[:256]} in client.list_tags(ResourceArn=arn)["Tags"]


def _tagged(client: Any, run_name: str, began: datetime) -> list[str]:
    """Training jobs that run and have the run's tag: also those whose names ZenML's server was not told."""

    def find() -> list[str]:
        pages = client.get_paginator("list_training_jobs").paginate(
            NameContains=readable_run(run_name), StatusEquals="InProgress", CreationTimeAfter=began
        )
        return [
            job["TrainingJobName"]
            for page in pages
            for job in page["TrainingJobSummaries"]
            if _is_tagged(client, job["TrainingJobArn"], run_name)
        ]

    return patiently(find, f"looking for training jobs of {run_name}")
