"""Who asks, and where: credentials, region, the roles of the jobs and of schedules."""

from dataclasses import dataclass
from typing import Any

from stacks.checks.finding import AWSError, Finding, code_of, refused
from stacks.files import Stack
from stacks.iam.trust import SAGEMAKER, SCHEDULER, trusts
from stacks.values import Values

EXPIRED = ("ExpiredToken", "ExpiredTokenException", "RequestExpired")


@dataclass(frozen=True)
class Role:
    """A role that a stack needs: who is to assume it, and its policies by their names in stacks/iam/."""

    subject: str
    service: str
    trust: str
    policy: str


JOBS = Role("role", SAGEMAKER, "trust", "execution-role")
SCHEDULES = Role("scheduler role", SCHEDULER, "scheduler-trust", "scheduler")


def check_region(session: Any, values: Values) -> Finding:
    """Whether SageMaker is there, from the list that botocore ships."""
    known = session.get_available_regions("sagemaker", partition_name=values.role.split(":")[1])
    if values.region in known:
        return Finding("region", True, values.region)
    return Finding(
        "region",
        False,
        f"SageMaker has no region {values.region}",
        "export AWS_REGION=...  # one of: " + ", ".join(known),
    )


def check_credentials(session: Any, values: Values) -> Finding:
    """Whether AWS knows the caller, and the account is the role's."""
    try:
        caller = session.client("sts").get_caller_identity()
    except AWSError as error:
        return _no_credentials(error, values)
    if caller["Account"] != values.account:
        text = f"you are {caller['Arn']}, but the role is of account {values.account}"
        return Finding("credentials", False, text, "export AWS_PROFILE=...  # a profile of that account")
    return Finding("credentials", True, str(caller["Arn"]))


def check_role(session: Any, stack: Stack, arn: str, role: Role = JOBS) -> Finding:
    """Whether a role of the stack exists and its service may assume it; its policies are not looked at."""
    name = arn.rpartition("/")[2]
    try:
        found = session.client("iam").get_role(RoleName=name)["Role"]
    except AWSError as error:
        if code_of(error) == "NoSuchEntity":
            return Finding(role.subject, False, f"there is no role {name}", _create(name, role, stack))
        return refused(role.subject, error, "iam:GetRole")
    if not trusts(found["AssumeRolePolicyDocument"], role.service):
        policy = _policy(role.trust, stack)
        command = f"aws iam update-assume-role-policy --role-name {name} --policy-document {policy}"
        return Finding(role.subject, False, f"{name} does not let {role.service} assume it", command)
    return Finding(role.subject, True, arn)


def _no_credentials(error: Exception, values: Values) -> Finding:
    if code_of(error) in EXPIRED:
        return Finding("credentials", False, "they have expired", "aws sso login")
    if code_of(error) in ("NoCredentialsError", "PartialCredentialsError", "ProfileNotFound"):
        return Finding("credentials", False, f"AWS's usual chain has none ({error})", "aws configure sso")
    if code_of(error) == "EndpointConnectionError":
        return Finding(
            "credentials", False, f"AWS does not answer in {values.region} ({error})", "export AWS_REGION=..."
        )
    return Finding("credentials", False, f"AWS refuses them ({error})", "aws sts get-caller-identity")


def _create(name: str, role: Role, stack: Stack) -> str:
    return (
        f"aws iam create-role --role-name {name} --assume-role-policy-document {_policy(role.trust, stack)} && "
        f"aws iam put-role-policy --role-name {name} --policy-name finetune "
        f"--policy-document {_policy(role.policy, stack)}"
    )


def _policy(name: str, stack: Stack) -> str:
    """What the shell replaces by the stack's policy of that name."""
    return f'"$(python -m stacks.iam {name} {stack.name})"'
