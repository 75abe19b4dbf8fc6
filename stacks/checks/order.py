"""The checks in the order in which they are mended: nothing is asked of AWS without credentials."""

from collections.abc import Iterator, Sequence
from typing import Any

from finetune.errors import FinetuneError
from stacks.checks.finding import Finding
from stacks.checks.identity import SCHEDULES, check_credentials, check_region, check_role
from stacks.checks.places import check_bucket, check_image
from stacks.checks.quotas import check_quotas
from stacks.checks.server import check_server
from stacks.components import SMALLEST
from stacks.files import Stack
from stacks.values import Values


def check(stack: Stack, training: Sequence[str] = ()) -> Iterator[Finding]:
    """What a stack needs, one finding after the other.

    Args:
        stack: The stack; one of this machine needs nothing.
        training: Instance types of the training jobs to come, for their quotas.
    """
    values = stack.values
    if values is None:
        yield Finding("stack", True, f"{stack.name} runs on this machine and needs nothing")
        return
    import boto3

    region = check_region(boto3.Session(region_name=values.region), values)
    yield region
    if not region.good:
        return
    if values.connector is not None:  # it is the server that knows the connector
        server = check_server()
        yield server
        if not server.good:
            return
    try:
        session = _session(values)
    except FinetuneError as error:
        yield Finding("credentials", False, str(error))
        return
    credentials = check_credentials(session, values)
    yield credentials
    if values.connector is None:
        yield check_server()
    if not credentials.good:
        yield Finding("the rest", False, "not looked at: roles, bucket, image, quotas need credentials", "see above")
        return
    yield check_role(session, stack, values.role)
    if values.scheduler_role is not None:
        yield check_role(session, stack, values.scheduler_role, SCHEDULES)
    yield check_bucket(session, values)
    yield check_image(session, values)
    smallest = str(stack.components.orchestrator.settings.get("instance_type", SMALLEST))
    yield from check_quotas(session, values, smallest, training)


def _session(values: Values) -> Any:
    """A boto3 session of the usual chain, or of the service connector that the file names."""
    import boto3

    if values.connector is None:
        return boto3.Session(region_name=values.region)
    from operators.connector import connected_session

    return connected_session(values.connector, values.region)
