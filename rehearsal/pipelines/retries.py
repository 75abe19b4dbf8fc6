"""Retry policies of a step. Pure. A failure of the job's own code is not among what they can name."""

from typing import Any

# How a failed step's reason shows which exception type of a policy it is.
MEANS = {
    "SageMaker.JOB_INTERNAL_ERROR": "InternalServerError",
    "SageMaker.CAPACITY_ERROR": "CapacityError",
    "SageMaker.RESOURCE_LIMIT": "account-level service limit",
    "Step.SERVICE_FAULT": "InternalFailure",
    "Step.THROTTLING": "ThrottlingException",
}


def wait_before_retry(policies: list[dict[str, Any]], attempts: int, reason: str) -> float | None:
    """Seconds to wait before the next attempt, or None where there is to be none."""
    for policy in policies:
        kinds = policy.get("ExceptionType") or []
        if any(MEANS.get(kind, "\0") in reason for kind in kinds) and attempts < policy.get("MaxAttempts", 1):
            return float(policy.get("IntervalSeconds", 1) * policy.get("BackoffRate", 2.0) ** (attempts - 1))
    return None
