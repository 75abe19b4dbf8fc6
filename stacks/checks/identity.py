"""Who asks, and where: credentials, region, the execution role."""

from typing import Any

from stacks.checks.finding import AWSError, Finding, code_of, refused
from stacks.iam.trust import SAGEMAKER, trusts
from stacks.values import Values

SUBJECT_OF_ROLE = "role"
EXPIRED = ("ExpiredToken", "ExpiredTokenException", "RequestExpired")


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


def check_role(session: Any, values: Values) -> Finding:
    """Whether the role exists and SageMaker may assume it."""
    name = values.role.rpartition("/")[2]
    try:
        role = session.client("iam").get_role(RoleName=name)["Role"]
    except AWSError as error:
        if code_of(error) == "NoSuchEntity":
            return Finding(SUBJECT_OF_ROLE, False, f"there is no role {name}", _create_role(name))
        return refused(SUBJECT_OF_ROLE, error, "iam:GetRole")
    if not trusts(role["AssumeRolePolicyDocument"], SAGEMAKER):
        command = f"aws iam update-assume-role-policy --role-name {name} --policy-document {_policy('trust')}"
        return Finding(SUBJECT_OF_ROLE, False, f"{name} does not let {SAGEMAKER} assume it", command)
    return Finding(SUBJECT_OF_ROLE, True, values.role)


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


def _create_role(name: str) -> str:
    return (
        f"aws iam create-role --role-name {name} --assume-role-policy-document {_policy('trust')} && "
        f"aws iam put-role-policy --role-name {name} --policy-name finetune "
        f"--policy-document {_policy('execution-role')}"
    )


def _policy(name: str) -> str:
    """What the shell replaces by the policy of the stack in question."""
    return f'"$(python -m stacks.iam {name} STACK)"'
