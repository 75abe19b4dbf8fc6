"""An endpoint of SageMaker: created, waited for, asked one example, and taken down with all that belongs to it."""

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import ClientError

from finetune.errors import ComputeError
from operators.endpoint_request import (
    Served,
    config_request,
    endpoint_request,
    model_request,
    scaling_requests,
    scaling_target,
)
from operators.jobs import LAST_LINES, Clients, Say
from operators.logs import ENDPOINT, LogTail
from operators.pauses import pauses
from operators.transient import patiently

POLL_S = 5.0
CHANGING = ("Creating", "Updating", "SystemUpdating", "RollingBack", "Deleting")
TOLERANCE = 1e-4
"""Between the probabilities of evaluate and those of the endpoint."""
MISSING, THERE = ("Could not find", "does not exist", "No scalable target"), "already existing"

Golden = Mapping[str, Any]
"""A real request with the probabilities that it must give."""


def deploy(clients: Clients, served: Served, golden: Golden, say: Say, poll_s: float = POLL_S) -> float:
    """Makes the endpoint, waits until it serves, and asks it one example; gives the seconds of its answer.

    What an earlier, interrupted call has made already is taken over. An endpoint that does not get healthy, or answers
    otherwise than evaluate did, is taken down again; so is one whose waiting is broken off, such as by Ctrl-C.

    Raises:
        ComputeError: AWS refuses, or it was taken down; the message has the reason and its last lines.
    """
    stands = _stands(clients("sagemaker"), served)
    if not stands:
        undeploy(clients, served.name, say, poll_s)  # what an interrupted call has left
    try:
        if not stands:
            _make(clients("sagemaker"), served)
        say(f"endpoint {served.name}: {served.settings.instance_count} x {served.settings.instance_type}; waiting")
        _wait(clients, served.name, say, poll_s)
        seconds = _ask(clients, served.name, golden)
        _scale(clients, served)
    except BaseException as error:
        say(f"endpoint {served.name}: taking it down, so that nothing stays and is billed")
        _take_down(clients, served.name, say, poll_s, error)
        raise
    return seconds


def undeploy(clients: Clients, name: str, say: Say, poll_s: float = POLL_S) -> list[str]:
    """Removes scaling, endpoint, configuration and model, and gives what was there; what is gone already is passed by.

    Raises:
        ComputeError: AWS refuses.
    """
    client, gone = clients("sagemaker"), list[str]()
    scaling = clients("application-autoscaling")
    _remove(gone, "scaling", lambda: scaling.deregister_scalable_target(**scaling_target(name)))
    _settled(client, name, poll_s)  # what is being created cannot be deleted
    _remove(gone, "endpoint", lambda: client.delete_endpoint(EndpointName=name))
    if "endpoint" in gone:
        _settled(client, name, poll_s)
    _remove(gone, "configuration", lambda: client.delete_endpoint_config(EndpointConfigName=name))
    _remove(gone, "model", lambda: client.delete_model(ModelName=name))
    if gone:
        say(f"endpoint {name}: removed {', '.join(gone)}")
    return gone


def _take_down(clients: Clients, name: str, say: Say, poll_s: float, why: BaseException) -> None:
    """Undeploys what came to nothing.

    Raises:
        ComputeError: Not all of it could be removed; the message has the first error, too.
    """
    try:
        undeploy(clients, name, say, poll_s)
    except ComputeError as left:
        raise ComputeError(f"{why}\nand it could not be taken down ({left}): run.py undeploy does it") from why


def _stands(client: Any, served: Served) -> bool:
    """Whether it is there, and did not fail.

    Raises:
        ComputeError: One of that name has other tags: another home's in the same account, or one with other settings.
    """
    found = _described(client, served.name)
    if found is None:
        return False
    tags = patiently(
        lambda: client.list_tags(ResourceArn=found["EndpointArn"])["Tags"], f"asking for endpoint {served.name}"
    )
    other = {tag["Key"]: tag["Value"] for tag in tags}
    differing = [
        f"{name}: {other.get(name)}, not {value}" for name, value in served.tags.items() if other.get(name) != value
    ]
    if differing:
        raise ComputeError(
            f"endpoint {served.name} is there already, with other tags ({'; '.join(differing)}); take it down first by "
            "run.py undeploy"
        )
    return bool(found["EndpointStatus"] != "Failed")


def _make(client: Any, served: Served) -> None:
    _create(client.create_model, model_request(served.name, served.image, served.package, served.account, served.tags))
    _create(client.create_endpoint_config, config_request(served))
    _create(client.create_endpoint, endpoint_request(served))


def _create(call: Callable[..., Any], request: dict[str, Any]) -> None:
    def create() -> None:
        try:
            call(**request)
        except ClientError as error:
            if THERE not in str(error):
                raise

    patiently(create, f"deploy: {next(iter(request.values()))}")


def _wait(clients: Clients, name: str, say: Say, poll_s: float) -> None:
    """Waits until it serves, and says its lines as they come.

    Raises:
        ComputeError: It failed, or is gone.
    """
    tail = LogTail(clients, name, ENDPOINT)
    for pause in pauses(poll_s):
        found = _described(clients("sagemaker"), name) or {"EndpointStatus": "gone"}
        for line in tail.new():
            say(line)
        if found["EndpointStatus"] == "InService":
            return
        if found["EndpointStatus"] not in CHANGING:
            raise _failure(name, found, tail)
        time.sleep(pause)


def _failure(name: str, found: Mapping[str, Any], tail: LogTail) -> ComputeError:
    lines = tail.last(LAST_LINES)
    shown = "\n".join(["its last lines:", *lines]) if lines else "it printed nothing"
    reason = found.get("FailureReason") or f"its status is {found['EndpointStatus']}"
    return ComputeError(f"endpoint {name} does not serve: {reason}\n{shown}")


def _ask(clients: Clients, name: str, golden: Golden) -> float:
    """Sends one real example.

    Raises:
        ComputeError: It answers otherwise than when it was packed.
    """
    body = json.dumps(golden["instance"], ensure_ascii=False).encode()
    began = time.monotonic()
    answer = patiently(
        lambda: clients("sagemaker-runtime").invoke_endpoint(
            EndpointName=name, Body=body, ContentType="application/jsonlines", Accept="application/jsonlines"
        ),
        f"asking endpoint {name} for an example",
        patience_s=60.0,
    )
    seconds = time.monotonic() - began
    text = answer["Body"].read()
    found = json.loads(text).get("probabilities", {})
    wanted = golden["probabilities"]
    if any(abs(found.get(label, -1.0) - value) > TOLERANCE for label, value in wanted.items()):
        raise ComputeError(f"endpoint {name}: must answer its example with {wanted}, but got {text[:500]!r}")
    return seconds


def _scale(clients: Clients, served: Served) -> None:
    requests = scaling_requests(served)
    if requests is not None:
        client = clients("application-autoscaling")
        patiently(lambda: client.register_scalable_target(**requests[0]), f"autoscaling of {served.name}")
        patiently(lambda: client.put_scaling_policy(**requests[1]), f"autoscaling of {served.name}")


def _settled(client: Any, name: str, poll_s: float) -> None:
    """Waits while it is being created, changed or deleted."""
    for pause in pauses(poll_s):
        found = _described(client, name)
        if found is None or found["EndpointStatus"] not in CHANGING:
            return
        time.sleep(pause)


def _described(client: Any, name: str) -> dict[str, Any] | None:
    """What AWS says of it; None if there is none."""

    def ask() -> dict[str, Any] | None:
        try:
            return dict(client.describe_endpoint(EndpointName=name))
        except ClientError as error:
            if _is_missing(error):
                return None
            raise

    return patiently(ask, f"asking for endpoint {name}")


def _remove(gone: list[str], what: str, call: Callable[[], Any]) -> None:
    def remove() -> None:
        try:
            call()
        except ClientError as error:
            if not _is_missing(error):
                raise
        else:
            gone.append(what)

    patiently(remove, f"undeploy: removing the {what}")


def _is_missing(error: ClientError) -> bool:
    return error.response["Error"]["Code"] == "ObjectNotFoundException" or any(word in str(error) for word in MISSING)
