"""Whom a role's trust policy lets assume it. Pure."""

from typing import Any

SAGEMAKER = "sagemaker.amazonaws.com"


def trusts_sagemaker(policy: dict[str, Any]) -> bool:
    """Whether a trust policy lets SageMaker assume the role."""
    statements = policy.get("Statement", [])
    for statement in statements if isinstance(statements, list) else [statements]:
        principal = statement.get("Principal", {})
        services = principal.get("Service", []) if isinstance(principal, dict) else []
        if statement.get("Effect") == "Allow" and SAGEMAKER in ([services] if isinstance(services, str) else services):
            return True
    return False
