"""A policy file with a stack's values in place of `<BUCKET>` and the like."""

import json
import re
from pathlib import Path
from typing import Any

from stacks.values import Values

FOLDER = Path(__file__).parent
ROLES = ("execution-role", "submitter", "scheduler", "image-builder", "code-build")
POLICIES = (*ROLES, "trust", "scheduler-trust", "code-build-trust")
PLACEHOLDER = re.compile(r"<([A-Z_]+)>")
# These name no value in any resource, and yet are needed with one only.
NEEDS = {
    "JoinVpc": "SUBNETS",
    "Schedule": "SCHEDULER_ROLE",
    "UploadContext": "CODE_BUILD_PROJECT",
    "EncryptContext": "CODE_BUILD_PROJECT",
}


def render(policy: str, values: Values) -> dict[str, Any]:
    """The policy; statements for which the stack file has no value are left out."""
    known = _known(values)
    document: dict[str, Any] = json.loads((FOLDER / f"{policy}.json").read_text(encoding="utf-8"))
    kept = [statement for statement in document["Statement"] if _needed(statement) <= known.keys()]
    text = PLACEHOLDER.sub(lambda found: known[found[1]], json.dumps(kept))
    return {**document, "Statement": json.loads(text)}


def _needed(statement: dict[str, Any]) -> set[str]:
    extra = NEEDS.get(statement["Sid"])
    return {*PLACEHOLDER.findall(json.dumps(statement)), *([extra] if extra else [])}


def _known(values: Values) -> dict[str, str]:
    registry, _, image = values.image.partition("/")
    found = {
        "PARTITION": values.role.split(":")[1],
        "ACCOUNT": values.account,
        "REGION": values.region,
        "BUCKET": values.bucket,
        "ROLE": values.role,
        "REGISTRY_ACCOUNT": registry.partition(".")[0],
        "REPOSITORY": re.split("[:@]", image)[0],
        "KMS_KEY": values.kms_key,
        "SECRETS": values.secrets and f"{values.secrets}{'' if values.secrets.endswith('*') else '-??????'}",
        "SCHEDULER_ROLE": values.scheduler_role,
        "CODE_BUILD_PROJECT": values.code_build_project,
        "SUBNETS": ",".join(values.subnets) or None,
    }
    return {name: value for name, value in found.items() if value is not None}
