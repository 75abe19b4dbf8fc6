"""What the service checks before it accepts a job, beyond the shape of the request."""

import re
from collections.abc import Iterable
from typing import Any

from rehearsal.account import Account
from rehearsal.errors import ClientFault, ServiceError
from rehearsal.images import find_image
from rehearsal.jobs.job import RUNNING, Job

WARM_POOL = "training warm pool"


def check_training(account: Account, region: str, request: dict[str, Any]) -> None:
    """Checks role, image, inputs and the combinations that SageMaker refuses.

    Raises:
        ServiceError: As AWS answers.
    """
    _check_spot(request)
    _check_metrics(request["AlgorithmSpecification"].get("MetricDefinitions") or [])
    account.check_role(request["RoleArn"])
    uri = request["AlgorithmSpecification"].get("TrainingImage", "")
    if region != account.settings.region or find_image(account.settings.images, uri) is None:
        raise ServiceError("ValidationException", f"Cannot find the requested image: {uri}")
    for channel in request.get("InputDataConfig") or []:
        source = channel["DataSource"].get("S3DataSource")
        if source is not None:
            check_data(account, region, source["S3Uri"], request["RoleArn"])


def check_processing(account: Account, region: str, request: dict[str, Any]) -> None:
    """Checks role and region. That an image is missing shows when the job pulls it.

    Raises:
        ServiceError: As AWS answers.
    """
    account.check_role(request["RoleArn"])
    if region != account.settings.region:
        uri = request["AppSpecification"]["ImageUri"]
        raise ServiceError("ValidationException", f"Cannot find the requested image: {uri}")


def check_quota(account: Account, usage: str, instance: str, asked: int, running: Iterable[Job]) -> None:
    """Checks the account's quota of one instance type for one usage, such as `training job`.

    Quotas that were not set are unlimited, except that of warm pools, which AWS sets to 0.

    Raises:
        ServiceError: ResourceLimitExceeded.
    """
    used = sum(_instances(job.request, instance) for job in running if job.status in RUNNING)
    refuse_beyond(account, usage, instance, asked, used)


def refuse_beyond(account: Account, usage: str, instance: str, asked: int, used: int) -> None:
    """The same, where it is known how many instances are in use.

    Raises:
        ServiceError: ResourceLimitExceeded.
    """
    name = f"{instance} for {usage} usage"
    quota = account.limits.quotas.get(name, 0 if usage == WARM_POOL else None)
    if quota is not None and used + asked > quota:
        raise ServiceError(
            "ResourceLimitExceeded",
            f"The account-level service limit '{name}' is {quota} Instances, with current utilization of {used} "
            f"Instances and a request delta of {asked} Instances. Please use AWS Service Quotas to request an increase "
            "for this quota. If AWS Service Quotas is not available, contact AWS support to request an increase for "
            "this quota.",
        )


def cluster(request: dict[str, Any]) -> dict[str, Any]:
    """The part of a request that names instances."""
    found: dict[str, Any] = request.get("ResourceConfig") or request.get("TransformResources") or {}
    found = found or request["ProcessingResources"]["ClusterConfig"]
    return found


def _instances(request: dict[str, Any], instance: str) -> int:
    wanted = cluster(request)
    return int(wanted.get("InstanceCount", 1)) if wanted.get("InstanceType") == instance else 0


def _check_spot(request: dict[str, Any]) -> None:
    """Spot needs a time to wait, not below the time to run, and no warm pool."""
    limits = request["StoppingCondition"]
    wait = limits.get("MaxWaitTimeInSeconds")
    if not request.get("EnableManagedSpotTraining"):
        if wait is not None:
            raise ServiceError(
                "ValidationException",
                "MaxWaitTimeInSeconds should only be specified when EnableManagedSpotTraining is true.",
            )
        return
    if wait is None or wait < limits.get("MaxRuntimeInSeconds", 86_400):
        raise ServiceError(
            "ValidationException",
            "Invalid MaxWaitTimeInSeconds. It must be present and be greater than or equal to MaxRuntimeInSeconds",
        )
    if request["ResourceConfig"].get("KeepAlivePeriodInSeconds"):
        raise ServiceError(
            "ValidationException", "KeepAlivePeriodInSeconds is not supported when EnableManagedSpotTraining is true."
        )


def _check_metrics(definitions: list[dict[str, str]]) -> None:
    for each in definitions:
        try:
            re.compile(each["Regex"])
        except re.error as error:
            text = f"Invalid regex {each['Regex']} of metric {each['Name']}: {error}"
            raise ServiceError("ValidationException", text) from error


def check_data(account: Account, region: str, uri: str, role: str) -> None:
    """Asks whether there is anything below a prefix.

    Raises:
        ServiceError: There is nothing.
    """
    bucket = uri.removeprefix("s3://").partition("/")[0]
    try:
        found = bool(account.storage.keys(uri))
    except ClientFault:
        found = False
    if not found:
        raise ServiceError(
            "ValidationException",
            f'No S3 objects found under S3 URL "{uri}" given in input data source. Please ensure that the bucket '
            f"exists in the selected region ({region}), that objects exist under that S3 prefix, and that the role "
            f'"{role}" has "s3:ListBucket" permissions on bucket "{bucket}".',
        )
