"""EventBridge's side of a schedule: its role is checked as AWS does, and it fires on request. moto keeps the rest."""

from typing import Any

from botocore.exceptions import ClientError

from rehearsal.account import Account
from rehearsal.errors import ServiceError
from stacks.iam.trust import SCHEDULER

SERVICE = "scheduler"
GROUP = "default"


def check(account: Account, method: str, request: dict[str, Any]) -> None:
    """Refuses CreateSchedule and UpdateSchedule with a role that EventBridge cannot assume.

    Raises:
        ServiceError: The role does not exist, or does not trust the scheduler.
    """
    role = request.get("Target", {}).get("RoleArn")
    if method in ("POST", "PUT") and role and not account.may_assume(SCHEDULER, role):
        raise ServiceError(
            "ValidationException",
            "The execution role you provide must allow AWS EventBridge Scheduler to assume the role.",
        )


def fire(account: Account, name: str) -> str:
    """Starts the pipeline that a schedule's target names, with its role and parameters; gives the execution's ARN.

    Raises:
        ServiceError: There is no such schedule, it is disabled, its role is refused, or the pipeline does not start.
    """
    try:
        schedule = account.client(SERVICE).get_schedule(GroupName=GROUP, Name=name)
        if schedule["State"] != "ENABLED":
            raise ServiceError("ValidationException", f"schedule {name} is {schedule['State']}: it does not fire")
        target = schedule["Target"]
        if not account.may_assume(SCHEDULER, target["RoleArn"]):
            raise ServiceError("AccessDeniedException", f"schedule {name}: EventBridge cannot assume its role")
        parameters = target.get("SageMakerPipelineParameters", {}).get("PipelineParameterList", [])
        started = account.client("sagemaker", target["RoleArn"]).start_pipeline_execution(
            PipelineName=target["Arn"].rpartition("/")[2], PipelineParameters=parameters
        )
        return str(started["PipelineExecutionArn"])
    except ClientError as error:
        raise ServiceError(error.response["Error"]["Code"], error.response["Error"]["Message"]) from error
