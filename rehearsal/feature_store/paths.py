"""Which call of the feature store's runtime an HTTP request means, and which groups it names. Pure."""

import json
import re
from os.path import commonprefix
from urllib.parse import unquote

GROUP = re.compile("/FeatureGroup/([^/]+)")
BATCH = "/BatchGetRecord"
METHODS = {"PUT": "PutRecord", "GET": "GetRecord", "DELETE": "DeleteRecord"}


def operation_of(method: str, path: str) -> str | None:
    """PutRecord, GetRecord, DeleteRecord or BatchGetRecord; None for anything else."""
    if path == BATCH:
        return "BatchGetRecord" if method == "POST" else None
    return METHODS.get(method) if GROUP.fullmatch(path) else None


def group_in(path: str) -> str:
    """The group that a path names."""
    found = GROUP.fullmatch(path)
    return unquote(found[1]) if found else ""


def groups_in(path: str, body: bytes) -> str | None:
    """What stands after the account in the ARN of the groups that a request names; of several, what they share."""
    if path == BATCH:
        named = {each["FeatureGroupName"] for each in json.loads(body or b"{}").get("Identifiers", [])}
        return f"feature-group/{commonprefix(sorted(named))}{'*' if len(named) > 1 else ''}"
    return f"feature-group/{group_in(path)}" if GROUP.fullmatch(path) else None
