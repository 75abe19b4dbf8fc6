"""Stops a pipeline execution and every training job that its steps started, and looks again until nothing runs."""

import time
from collections.abc import Callable, Collection
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from operators import jobs
from operators.execution import EXECUTING, Job, job_of
from operators.jobs import Clients, Say
from operators.names import readable_run
from operators.transient import patiently

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
        execution: ARN of the pipeline execution; None if there is none.
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
    while True:
        sagemaker = clients("sagemaker")
        # Before the jobs: a step of an execution that has ended starts no other job.
        execution_runs = execution is not None and _stop_execution(sagemaker, execution, stopped, say)
        known.update(announced(), _tagged(sagemaker, run_name, began))
        running = [job for name in sorted(known) if (job := job_of(sagemaker, "Training", name)) and job.runs]
        for job in running:
            _stop_job(sagemaker, job, stopped, say)
        if not execution_runs and not running:
            return list(stopped.values())
        time.sleep(poll_s)


def _stop_execution(client: Any, arn: str, stopped: dict[str, str], say: Say) -> bool:
    """Asks it to stop, if it does not yet; gives whether it still runs."""

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


def _stop_job(client: Any, job: Job, stopped: dict[str, str], say: Say) -> None:
    if job.name not in stopped:
        stopped[job.name] = f"training job {job.name} ({job.instance_count} x {job.instance_type})"
        say(f"stopping {stopped[job.name]}")
        jobs.stop(client, job.name)


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
            if {"Key": RUN_TAG, "Value": run_name[:256]} in client.list_tags(ResourceArn=job["TrainingJobArn"])["Tags"]
        ]

    return patiently(find, f"looking for training jobs of {run_name}")
