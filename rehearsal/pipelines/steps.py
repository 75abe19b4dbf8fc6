"""One step of an execution: its arguments resolved, its job run, or its condition decided."""

import random
import re
import string
import time
from typing import Any, Protocol

from rehearsal.account import Account
from rehearsal.errors import ServiceError
from rehearsal.jobs.job import PROCESSING, TRAINING, Job, Kind
from rehearsal.pipelines.conditions import holds
from rehearsal.pipelines.definition import Step
from rehearsal.pipelines.execution import Execution, StepRun
from rehearsal.pipelines.retries import wait_before_retry
from rehearsal.pipelines.variables import Variables

Ended = tuple[str, str | None]
JOBS = {"Training": TRAINING, "Processing": PROCESSING}


class JobMaker(Protocol):
    """Who creates jobs: the service."""

    def create_valid_job(self, kind: Kind, request: dict[str, Any]) -> Job:
        """Validates the request and starts the job."""


class StepRunner:
    """Runs steps; one for all executions."""

    def __init__(self, account: Account, maker: JobMaker) -> None:
        self._account, self._maker = account, maker
        self._moto = account.client("sagemaker")

    def run(self, execution: Execution, step: Step, run: StepRun) -> Ended:
        """Runs a step to its end; gives its status and the reason of a failure.

        Raises:
            ClientFault, ServiceError: Its arguments cannot be resolved or are refused.
        """
        variables = Variables(execution, self._account.storage)
        match step["Type"]:
            case "Condition":
                return self._decide(execution, step, run, variables)
            case "Fail":
                text = str(variables.resolved(step["Arguments"])["ErrorMessage"])
                run.metadata = {"Fail": {"ErrorMessage": text}}
                return "Failed", text
            case "Model" | "RegisterModel":
                return self._register(execution, step, run, variables.resolved(step["Arguments"]))
        return self._job(execution, step, run, variables.resolved(step["Arguments"]))

    def _job(self, execution: Execution, step: Step, run: StepRun, arguments: dict[str, Any]) -> Ended:
        """Runs a job, and again where the step's retry policies say so."""
        kind = JOBS[step["Type"]]
        name = _job_name(execution, step)
        while True:
            number = f"-{run.attempts}" if run.attempts > 1 else ""
            status, reason = self._attempt(kind, arguments | {kind.member("Name"): name + number}, execution, run)
            wait = wait_before_retry(step.get("RetryPolicies") or [], run.attempts, reason or "")
            if status != "Failed" or wait is None or execution.status != "Executing":
                return status, reason
            time.sleep(wait)
            run.attempts += 1

    def _attempt(self, kind: Kind, arguments: dict[str, Any], execution: Execution, run: StepRun) -> Ended:
        with execution.lock:
            if execution.status == "Stopping":
                return "Stopped", None
            try:
                job = self._maker.create_valid_job(kind, arguments)
            except ServiceError as error:
                text = f"Failed to invoke sagemaker:Create{kind.name}Job. Error Details: {error.message}"
                return "Failed", f"ClientError: {text}"
            run.metadata = {f"{kind.name}Job": {"Arn": job.arn}}
            run.result, run.stop = (lambda: _properties(job)), job.stop
        job.ended.wait()
        described = job.describe()
        status = {"Completed": "Succeeded", "Stopped": "Stopped"}.get(job.status, "Failed")
        reason = described.get("FailureReason")
        return status, None if reason is None else f"ClientError: {reason}"

    def _decide(self, execution: Execution, step: Step, run: StepRun, variables: Variables) -> Ended:
        """Decides a condition; the steps of the branch that it takes join the execution."""
        arguments = step["Arguments"]
        outcome = all(holds(condition, variables.resolved) for condition in arguments["Conditions"])
        run.metadata = {"Condition": {"Outcome": str(outcome)}}
        run.result = lambda: {"Outcome": str(outcome)}
        with execution.lock:
            branch = arguments.get("IfSteps" if outcome else "ElseSteps") or []
            execution.steps |= {each["Name"]: each for each in branch}
        return "Succeeded", None

    def _register(self, execution: Execution, step: Step, run: StepRun, arguments: dict[str, Any]) -> Ended:
        """Creates a model or a model package, which moto keeps."""
        if step["Type"] == "Model":
            name = arguments.setdefault("ModelName", _job_name(execution, step))
            arn = self._moto.create_model(**arguments)["ModelArn"]
            run.result = lambda: dict(self._moto.describe_model(ModelName=name))
        else:
            arn = self._moto.create_model_package(**arguments)["ModelPackageArn"]
            run.result = lambda: dict(self._moto.describe_model_package(ModelPackageName=arn))
        run.metadata = {step["Type"]: {"Arn": arn}}
        return "Succeeded", None


def _properties(job: Job) -> dict[str, Any]:
    """What variables can name of a job: its description, with outputs by name."""
    described = job.describe()
    config = described.get("ProcessingOutputConfig")
    if config is not None:
        described["ProcessingOutputConfig"] = {"Outputs": {each["OutputName"]: each for each in config["Outputs"]}}
    return described


def _job_name(execution: Execution, step: Step) -> str:
    """pipelines-<execution>-<step>-<10 letters>, as the service names the jobs of a pipeline, and not too long."""
    cleaned = re.sub("[^a-zA-Z0-9-]+", "-", step["Name"])[:24].strip("-")
    letters = "".join(random.choices(string.ascii_letters + string.digits, k=10))
    return f"pipelines-{execution.id}-{cleaned}-{letters}"
