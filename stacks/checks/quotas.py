"""How many instances the account may have at once. A new account has 0 of most types."""

from collections.abc import Iterator, Sequence
from typing import Any

from stacks.checks.finding import AWSError, Finding, refused
from stacks.values import Values

URL = "https://console.aws.amazon.com/servicequotas/home/services/sagemaker/quotas"
OPTIONAL = {"spot training job": "spot", "training warm pool": "warm_pool_minutes"}
"""Quotas that only some jobs need, with the key that asks for them."""


def check_quotas(session: Any, values: Values, processing: str, training: Sequence[str]) -> Iterator[Finding]:
    """Findings for each instance type: zero is refused, and told where only spot or a warm pool needs more."""
    try:
        pages = session.client("service-quotas").get_paginator("list_service_quotas").paginate(ServiceCode="sagemaker")
        known = {quota["QuotaName"]: quota for page in pages for quota in page["Quotas"]}
    except AWSError as error:
        yield refused("quotas", error, "servicequotas:ListServiceQuotas")
        return
    name = f"{processing} for processing job usage"
    yield _finding(name, known.get(name), values)
    for each in training:
        name = f"{each} for training job usage"
        yield _finding(name, known.get(name), values)
        for usage, key in OPTIONAL.items():
            name = f"{each} for {usage} usage"
            if name in known:
                yield _finding(name, known[name], values, key)


def _finding(name: str, quota: dict[str, Any] | None, values: Values, key: str | None = None) -> Finding:
    if quota is None:
        return Finding("quota", False, f"SageMaker has no quota {name!r} in {values.region}", "check the instance type")
    if quota["Value"] > 0:
        return Finding("quota", True, f"{name}: {quota['Value']:.0f}")
    why = f", and only {key} in compute needs more" if key else ""
    code = quota.get("QuotaCode")
    command = (
        f"aws service-quotas request-service-quota-increase --service-code sagemaker --quota-code {code} "
        f"--desired-value 1 --region {values.region}"
    )
    mend = command if code else f"ask for more at {URL}"
    return Finding("quota", False, f"{name} is 0{why}", mend, needed=key is None)
