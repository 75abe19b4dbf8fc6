"""The calls about pipelines and their executions."""

import random
import string
import threading
import time
from collections.abc import Callable
from typing import Any

from rehearsal.account import Account
from rehearsal.errors import ServiceError
from rehearsal.paging import page
from rehearsal.pipelines.definition import parameter_values, parse
from rehearsal.pipelines.execution import Execution
from rehearsal.pipelines.run import run_execution
from rehearsal.pipelines.steps import StepRunner
from rehearsal.tags import Tags

Request = dict[str, Any]
Answer = dict[str, Any]


class Pipelines:
    """Pipelines and executions of one region."""

    def __init__(self, account: Account, runner: StepRunner, tags: Tags, arn: Callable[[str, str], str]) -> None:
        self._account, self._runner, self._tags, self._arn = account, runner, tags, arn
        self._pipelines: dict[str, Answer] = {}
        self._executions: dict[str, Execution] = {}
        self._started: dict[str, str] = {}
        self.calls: dict[str, Callable[[Request], Answer]] = {
            "CreatePipeline": self.create,
            "UpdatePipeline": self.update,
            "DeletePipeline": self.delete,
            "DescribePipeline": lambda request: self._pipeline(request["PipelineName"]),
            "ListPipelines": self.list,
            "StartPipelineExecution": self.start,
            "StopPipelineExecution": self.stop,
            "RetryPipelineExecution": self.retry,
            "DescribePipelineExecution": lambda request: self._execution(request).describe(),
            "DescribePipelineDefinitionForExecution": self.definition,
            "ListPipelineExecutions": self.list_executions,
            "ListPipelineExecutionSteps": self.list_steps,
            "ListPipelineParametersForExecution": self.list_parameters,
        }

    def create(self, request: Request) -> Answer:
        """CreatePipeline."""
        name = request["PipelineName"]
        if name in self._pipelines:
            raise ServiceError(
                "ValidationException",
                "Pipeline names must be unique within an AWS account and region. "
                f"Pipeline with name ({name}) already exists.",
            )
        self._account.check_role(request["RoleArn"])
        now, arn = time.time(), self._arn("pipeline", name)
        self._pipelines[name] = {
            "PipelineArn": arn,
            "PipelineName": name,
            "PipelineDisplayName": request.get("PipelineDisplayName", name),
            "PipelineDescription": request.get("PipelineDescription", ""),
            "PipelineDefinition": self._definition_of(request),
            "RoleArn": request["RoleArn"],
            "PipelineStatus": "Active",
            "CreationTime": now,
            "LastModifiedTime": now,
        }
        self._tags.set(arn, request.get("Tags") or [])
        return {"PipelineArn": arn}

    def update(self, request: Request) -> Answer:
        """UpdatePipeline."""
        pipeline = self._pipeline(request["PipelineName"])
        if "RoleArn" in request:
            self._account.check_role(request["RoleArn"])
        changes: Answer = {
            name: request[name] for name in ("RoleArn", "PipelineDisplayName", "PipelineDescription") if name in request
        }
        if "PipelineDefinition" in request or "PipelineDefinitionS3Location" in request:
            changes["PipelineDefinition"] = self._definition_of(request)
        self._pipelines[pipeline["PipelineName"]] = pipeline | changes | {"LastModifiedTime": time.time()}
        return {"PipelineArn": pipeline["PipelineArn"]}

    def delete(self, request: Request) -> Answer:
        """DeletePipeline."""
        pipeline = self._pipelines.pop(self._pipeline(request["PipelineName"])["PipelineName"])
        return {"PipelineArn": pipeline["PipelineArn"]}

    def list(self, request: Request) -> Answer:
        """ListPipelines."""
        rows = [{name: row[name] for name in row if name != "PipelineDefinition"} for row in self._pipelines.values()]
        asked = request | {"NameContains": request.get("PipelineNamePrefix", "")}
        return page(rows, asked, "PipelineSummaries", name="PipelineName")

    def start(self, request: Request) -> Answer:
        """StartPipelineExecution; a repeated request with the same token starts nothing new."""
        token = request["ClientRequestToken"]
        if token in self._started:
            return {"PipelineExecutionArn": self._started[token]}
        pipeline = self._pipeline(request["PipelineName"])
        definition = parse(pipeline["PipelineDefinition"])
        name = "".join(random.choices(string.ascii_lowercase + string.digits, k=12))
        execution = Execution(dict(pipeline), f"{pipeline['PipelineArn']}/execution/{name}", request, definition.steps)
        execution.parameters = parameter_values(definition, request.get("PipelineParameters") or [])
        self._executions[execution.arn] = execution
        self._started[token] = execution.arn
        return self._run(execution)

    def stop(self, request: Request) -> Answer:
        """StopPipelineExecution."""
        execution = self._execution(request)
        execution.stop()
        return {"PipelineExecutionArn": execution.arn}

    def retry(self, request: Request) -> Answer:
        """RetryPipelineExecution."""
        execution = self._execution(request)
        execution.again()
        return self._run(execution)

    def definition(self, request: Request) -> Answer:
        """DescribePipelineDefinitionForExecution."""
        execution = self._execution(request)
        return {"PipelineDefinition": execution.pipeline["PipelineDefinition"], "CreationTime": execution.created}

    def list_executions(self, request: Request) -> Answer:
        """ListPipelineExecutions."""
        arn = self._pipeline(request["PipelineName"])["PipelineArn"]
        described = [each.describe() | {"StartTime": each.created} for each in self._executions.values()]
        members = ("Arn", "Status", "DisplayName", "Description", "FailureReason")
        shown = {f"PipelineExecution{name}" for name in members} | {"StartTime"}
        rows = [{name: row[name] for name in row if name in shown} for row in described if row["PipelineArn"] == arn]
        summaries = "PipelineExecutionSummaries"
        return page(rows, request, summaries, name="PipelineExecutionArn", created="StartTime")

    def list_steps(self, request: Request) -> Answer:
        """ListPipelineExecutionSteps: those that have begun."""
        rows = [run.describe() for run in list(self._execution(request).runs.values())]
        return page(rows, request, "PipelineExecutionSteps", name="StepName", created="StartTime")

    def list_parameters(self, request: Request) -> Answer:
        """ListPipelineParametersForExecution."""
        values = self._execution(request).parameters
        return {"PipelineParameters": [{"Name": name, "Value": str(value)} for name, value in values.items()]}

    def _run(self, execution: Execution) -> Answer:
        threading.Thread(target=run_execution, args=(execution, self._runner), name=execution.arn, daemon=True).start()
        return {"PipelineExecutionArn": execution.arn}

    def _pipeline(self, name: str) -> Answer:
        """The pipeline of a name or ARN."""
        found = self._pipelines.get(name.rpartition("/")[2])
        if found is None:
            raise ServiceError("ResourceNotFound", f"Pipeline '{self._arn('pipeline', name)}' does not exist.")
        return found

    def _execution(self, request: Request) -> Execution:
        arn = request["PipelineExecutionArn"]
        if arn not in self._executions:
            raise ServiceError("ResourceNotFound", f"Pipeline execution '{arn}' does not exist.")
        return self._executions[arn]

    def _definition_of(self, request: Request) -> str:
        """The definition's text, which a large pipeline leaves in S3; checked."""
        text = request.get("PipelineDefinition")
        if text is None:
            place = request["PipelineDefinitionS3Location"]
            found = self._account.storage.client.get_object(Bucket=place["Bucket"], Key=place["ObjectKey"])
            text = found["Body"].read().decode()
        parse(text)
        return str(text)
