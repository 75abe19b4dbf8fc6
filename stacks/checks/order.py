"""The checks in the order in which they are mended: nothing is asked of AWS without credentials."""

from collections.abc import Iterator, Sequence
from typing import Any

from stacks.checks.finding import Finding
from stacks.checks.identity import check_credentials, check_region, check_role
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
    session = _session(values)
    region = check_region(session, values)
    yield region
    if not region.good:
        return
    credentials = check_credentials(session, values)
    yield credentials
    yield check_server()
    if not credentials.good:
        yield Finding("the rest", False, "not looked at: role, bucket, image, quotas need credentials", "see above")
        return
    yield check_role(session, values)
    yield check_bucket(session, values)
    yield check_image(session, values)
    smallest = str(stack.components.orchestrator.settings.get("instance_type", SMALLEST))
    yield from check_quotas(session, values, smallest, training)


def _session(values: Values) -> Any:
    """A boto3 session of the usual chain, or of the service connector that the file names."""
    import boto3

    if values.connector is None:
        return boto3.Session(region_name=values.region)
    from zenml.client import Client

    return Client().get_service_connector_client(values.connector, resource_type="aws-generic").connect()
