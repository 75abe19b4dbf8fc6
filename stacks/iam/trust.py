"""Whom a role's trust policy lets assume it. Pure."""

from typing import Any

SAGEMAKER, SCHEDULER = "sagemaker.amazonaws.com", "scheduler.amazonaws.com"


def trusts(policy: dict[str, Any], service: str) -> bool:
    """Whether a trust policy lets a service of AWS assume the role."""
    statements = policy.get("Statement", [])
    for statement in statements if isinstance(statements, list) else [statements]:
        principal = statement.get("Principal", {})
        services = principal.get("Service", []) if isinstance(principal, dict) else []
        if statement.get("Effect") == "Allow" and service in ([services] if isinstance(services, str) else services):
            return True
    return False
