"""The AWS calls that a rehearsal has seen: who asked for what, by the name that an IAM policy gives the action.

Which operation a REST request means follows from botocore's models; the platform's own calls are not kept.
"""

import re
from collections import Counter
from functools import cache
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from rehearsal.feature_store.paths import operation_of as stored_by
from rehearsal.resources import resource_of
from rehearsal.wire import Environ

CLIENT = "client"
# The key of `Rehearsal.client`: who looks on is no part of what is rehearsed.
LOOKER_KEY = "AKIAREHEARSALLOOKSON"
# The signing name of a service, where a policy calls it otherwise, and where botocore does.
PREFIX = {"monitoring": "cloudwatch"}
MODEL = {"monitoring": "cloudwatch", "sagemaker": "sagemaker-runtime"}
S3_ACTION = {
    "HeadBucket": "ListBucket",
    "ListObjects": "ListBucket",
    "ListObjectsV2": "ListBucket",
    "HeadObject": "GetObject",
    "DeleteObjects": "DeleteObject",
    "CopyObject": "PutObject",
    "CreateMultipartUpload": "PutObject",
    "UploadPart": "PutObject",
    "CompleteMultipartUpload": "PutObject",
    "ListParts": "ListMultipartUploadParts",
}


class Calls:
    """Counts calls by who signed them and action; `resource` is what an IAM policy calls it, else `*`."""

    def __init__(self) -> None:
        self._seen: Counter[tuple[str, str, str, str]] = Counter()
        self._roles: dict[str, str] = {}

    def know(self, key: str, role: str) -> None:
        """Remembers which role's temporary credentials an access key belongs to."""
        self._roles[key] = role

    def keep(self, key: str | None, service: str | None, environ: Environ, body: bytes) -> None:
        """Counts one signed request."""
        if key in (None, LOOKER_KEY) or service is None:
            return
        operation = operation_of(service, environ, body)
        if operation is not None:
            role = self._roles.get(str(key), CLIENT)
            signer = str(key) if role == CLIENT else ""  # each job has temporary keys of its own
            self._seen[role, signer, action_of(service, operation), resource_of(service, environ, body)] += 1

    def all(self) -> list[dict[str, Any]]:
        """Every kind of call that was seen, and how often; of a client, the access key that signed it."""
        return [
            {"role": role, "key": key, "action": action, "resource": resource, "times": times}
            for (role, key, action, resource), times in sorted(self._seen.items())
        ]


def action_of(service: str, operation: str) -> str:
    """The action as IAM names it: `s3:ListBucket`."""
    named = S3_ACTION.get(operation, operation) if service == "s3" else operation
    return f"{PREFIX.get(service, service)}:{named}"


def operation_of(service: str, environ: Environ, body: bytes) -> str | None:
    """The operation that a request means; None where no model knows it."""
    stored = stored_by(environ["REQUEST_METHOD"], environ.get("PATH_INFO", "")) if service == "sagemaker" else None
    if stored is not None:
        return stored
    target = environ.get("HTTP_X_AMZ_TARGET", "")
    if target:
        return str(target).rpartition(".")[2]
    if environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded"):
        return parse_qs(body.decode(errors="replace")).get("Action", [None])[0]
    query = parse_qs(environ.get("QUERY_STRING", ""), keep_blank_values=True)
    path, method = unquote(environ.get("PATH_INFO", "")), environ["REQUEST_METHOD"]
    fitting = [
        (weight, name)
        for weight, name, verb, pattern, wanted, headers in _rest_operations(service)
        if verb == method
        and pattern.fullmatch(path)
        and wanted <= query.keys()
        and all(f"HTTP_{header.upper().replace('-', '_')}" in environ for header in headers)
    ]
    return max(fitting)[1] if fitting else None


@cache
def _rest_operations(service: str) -> list[tuple[int, str, str, re.Pattern[str], frozenset[str], frozenset[str]]]:
    """For each operation its weight (what it asks for in query and headers), name, method, path, query and headers."""
    from botocore.exceptions import UnknownServiceError
    from botocore.session import get_session

    try:
        model = get_session().get_service_model(MODEL.get(service, service))
    except UnknownServiceError:
        return []
    found = []
    for name in model.operation_names:
        http = model.operation_model(name).http
        shape = model.operation_model(name).input_shape
        needed = [shape.members[each].serialization for each in shape.required_members] if shape else []
        uri = urlsplit(http["requestUri"])
        query = frozenset(parse_qs(uri.query, keep_blank_values=True)) | _named(needed, "querystring")
        headers = _named(needed, "header")
        found.append((len(query) + len(headers), name, http["method"], _pattern(uri.path), query, headers))
    return found


def _named(serializations: list[dict[str, Any]], place: str) -> frozenset[str]:
    return frozenset(each["name"] for each in serializations if each.get("location") == place)


def _pattern(path: str) -> re.Pattern[str]:
    """`/{Bucket}/{Key+}` as a pattern: a name with + takes slashes, too."""
    parts = re.split(r"(\{[^}]+\})", path.rstrip("/") or "/")
    return re.compile(
        "".join(
            (".+" if part.endswith("+}") else "[^/]+") if part.startswith("{") else re.escape(part) for part in parts
        )
        + "/?"
    )
