"""How many instances the account may have at once. A new account has 0 of most types."""

from collections.abc import Iterator, Sequence
from typing import Any

from stacks.checks.finding import AWSError, Finding, refused
from stacks.values import Values

URL = "https://console.aws.amazon.com/servicequotas/home/services/sagemaker/quotas"


def check_quotas(session: Any, values: Values, processing: str, training: Sequence[str]) -> Iterator[Finding]:
    """One finding for each instance type; zero is refused."""
    wanted = [f"{processing} for processing job usage", *(f"{each} for training job usage" for each in training)]
    try:
        pages = session.client("service-quotas").get_paginator("list_service_quotas").paginate(ServiceCode="sagemaker")
        known = {quota["QuotaName"]: quota for page in pages for quota in page["Quotas"]}
    except AWSError as error:
        yield refused("quotas", error, "servicequotas:ListServiceQuotas")
        return
    for name in wanted:
        yield _finding(name, known.get(name), values)


def _finding(name: str, quota: dict[str, Any] | None, values: Values) -> Finding:
    if quota is None:
        return Finding("quota", False, f"SageMaker has no quota {name!r} in {values.region}", "check the instance type")
    if quota["Value"] > 0:
        return Finding("quota", True, f"{name}: {quota['Value']:.0f}")
    code = quota.get("QuotaCode")
    command = (
        f"aws service-quotas request-service-quota-increase --service-code sagemaker --quota-code {code} "
        f"--desired-value 1 --region {values.region}"
    )
    return Finding("quota", False, f"{name} is 0", command if code else f"ask for more at {URL}")
