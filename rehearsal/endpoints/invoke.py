"""InvokeEndpoint: hands a request to a container, and its answer back; what it refuses becomes a ModelError."""

import logging
import random
import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import unquote

import urllib3

from rehearsal.account import Account
from rehearsal.endpoints.api import Endpoints
from rehearsal.endpoints.capture import capture
from rehearsal.endpoints.endpoint import Endpoint
from rehearsal.endpoints.fleet import Served, log_group
from rehearsal.endpoints.instance import Instance
from rehearsal.errors import ServiceError
from rehearsal.settings import ACCOUNT
from rehearsal.wire import Environ, StartResponse, send

PATH = re.compile(r"/endpoints/([^/]+)/invocations")
MOST_BYTES, LONGEST_S = 6_291_456, 60.0
SLOW = (
    "Your invocation timed out while waiting for a response from container primary. Review the latency metrics for "
    "each container in Amazon CloudWatch, resolve the issue, and try again."
)
CUSTOM, VARIANT = "X-Amzn-SageMaker-Custom-Attributes", "x-Amzn-Invoked-Production-Variant"
HANDED_ON = {"CONTENT_TYPE": "Content-Type", "HTTP_ACCEPT": "Accept", "HTTP_X_AMZN_SAGEMAKER_CUSTOM_ATTRIBUTES": CUSTOM}


@dataclass(frozen=True)
class Answer:
    """What a container answered."""

    status: int
    headers: dict[str, str]
    body: bytes


def endpoint_in(path: str) -> str | None:
    """The endpoint that a path invokes."""
    found = PATH.fullmatch(path)
    return unquote(found[1]) if found else None


def invoke(
    account: Account, endpoints: Endpoints, name: str, environ: Environ, start: StartResponse, body: bytes
) -> Iterable[bytes]:
    """Answers one invocation.

    Raises:
        ServiceError: There is no such endpoint in service, the request is too large, or the model refuses it.
    """
    endpoint = endpoints.find(name)
    if endpoint is None or endpoint.fleet is None or endpoint.status == "Deleting":
        raise ServiceError("ValidationError", f"Endpoint {name} of account {ACCOUNT} not found.")
    if len(body) > MOST_BYTES:
        raise ServiceError("413", f"HTTP content length exceeded {MOST_BYTES} bytes.", 413)
    target = environ.get("HTTP_X_AMZN_SAGEMAKER_TARGET_VARIANT")
    variant = endpoint.fleet.choose(target)
    if variant is None:
        raise ServiceError("ValidationError", f"Variant {target} of endpoint {name} not found.")
    headers = {HANDED_ON[key]: value for key, value in environ.items() if key in HANDED_ON and value}
    answered = _asked(endpoint, variant, variant.next(), body, headers)
    capturing = endpoint.config.get("DataCaptureConfig")
    if capturing and random.uniform(0, 100) < capturing["InitialSamplingPercentage"]:
        inference = environ.get("HTTP_X_AMZN_SAGEMAKER_INFERENCE_ID")
        given = (headers.get("Content-Type", ""), body), (answered.headers.get("content-type", ""), answered.body)
        _capture(account, capturing, f"{name}/{variant.name}", given, inference)
    more = [(VARIANT, variant.name)]
    if CUSTOM.lower() in answered.headers:
        more.append((CUSTOM, answered.headers[CUSTOM.lower()]))
    kind = answered.headers.get("content-type", "application/octet-stream")
    return send(start, 200, answered.body, kind, *more)


def _asked(endpoint: Endpoint, variant: Served, instance: Instance, body: bytes, headers: dict[str, str]) -> Answer:
    try:
        found = instance.invoke(body, headers, LONGEST_S)
        answer = Answer(found.status, {name.lower(): value for name, value in found.headers.items()}, found.data)
    except urllib3.exceptions.TimeoutError:
        answer = Answer(0, {}, SLOW.encode())
    except urllib3.exceptions.HTTPError as error:
        logging.warning("endpoint %s: %s", endpoint.name, error)
        answer = Answer(0, {}, b"")
    if 200 <= answer.status < 300:
        return answer
    raise _model_error(endpoint, variant, instance, answer)


def _model_error(endpoint: Endpoint, variant: Served, instance: Instance, answer: Answer) -> ServiceError:
    side = "client" if 400 <= answer.status < 500 else "server"
    region, group = endpoint.arn.split(":")[3], log_group(endpoint.name)
    text = answer.body.decode(errors="replace")
    place = f"https://{region}.console.aws.amazon.com/cloudwatch/home?region={region}#logEventViewer:group={group}"
    return ServiceError(
        "ModelError",
        f'Received {side} error ({answer.status}) from primary with message "{text}". See {place} in account {ACCOUNT} '
        "for more information.",
        424,
        OriginalStatusCode=answer.status,
        OriginalMessage=text,
        LogStreamArn=f"arn:aws:logs:{region}:{ACCOUNT}:log-group:{group}:log-stream:{instance.stream_name}",
    )


def _capture(
    account: Account,
    config: dict[str, object],
    below: str,
    given: tuple[tuple[str, bytes], tuple[str, bytes]],
    inference: str | None,
) -> None:
    """What cannot be captured fails no invocation."""
    try:
        capture(account, config, below, given, inference)
    except Exception:
        logging.exception("capture of %s", below)
