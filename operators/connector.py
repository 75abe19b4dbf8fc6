"""The boto3 session of a ZenML service connector: before credentials expire it fetches new ones."""

from typing import Any
from uuid import UUID

import boto3
import botocore.session
from botocore.credentials import CredentialProvider, Credentials, RefreshableCredentials
from zenml.client import Client
from zenml.exceptions import AuthorizationException
from zenml.models import ServiceConnectorResponse
from zenml.utils.pagination_utils import depaginate

from finetune.errors import ConfigError, RunError

NEEDED = {"aws-generic", "s3-bucket", "docker-registry"}
"""The resource types of a stack's components; a connector that is registered without one has them all."""


def connected_session(name: str, region: str) -> Any:
    """A boto3 session whose requests are signed by the connector.

    Raises:
        ConfigError: There is no such connector, or it does not fit.
        RunError: It gives no credentials.
    """
    provider = _Connector(name)
    find_connector(name, region)
    provider.fetch()  # what is wrong is said here, and not at the first request
    session = botocore.session.get_session()
    session.get_component("credential_provider").insert_before("env", provider)
    return boto3.Session(botocore_session=session, region_name=region)


def find_connector(name: str, region: str) -> UUID:
    """The id of the service connector that a stack file names.

    Raises:
        ConfigError: There is none, or it is not one for all that AWS has in the region.
    """
    known = {each.name: each for each in depaginate(Client().list_service_connectors, hydrate=True)}
    found = known.get(name)
    if found is None:
        raise ConfigError(
            f"values.connector: must be a service connector of ZenML ({', '.join(sorted(known)) or 'there is none'}), "
            f"but got {name!r}; make one with `{_register(name, region)}`"
        )
    if fault := _fault(found, region):
        raise ConfigError(f"values.connector: {name} {fault}; make one with `{_register('NAME', region)}`")
    return found.id


def _fault(found: ServiceConnectorResponse, region: str) -> str | None:
    if found.type != "aws":
        return f"must be of type aws, but is of type {found.type}"
    if missing := NEEDED - set(found.resource_types):
        return f"must be for every resource type, but lacks {', '.join(sorted(missing))}"
    there = found.configuration.plain.get("region")
    return None if there == region else f"must be in {region}, as the jobs are, but is in {there}"


def _register(name: str, region: str) -> str:
    return (
        f"zenml service-connector register {name} --type aws --auth-method iam-role --region={region} "
        "--role_arn=... --aws_access_key_id=... --aws_secret_access_key=..."
    )


class _Connector(CredentialProvider):  # type: ignore[misc]
    """What botocore asks before its usual chain."""

    METHOD = CANONICAL_NAME = "zenml-service-connector"

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name

    def load(self) -> Credentials:
        """The credentials; those that expire fetch new ones before they do."""
        found = self.fetch()
        if found["expiry_time"] is None:
            return Credentials(found["access_key"], found["secret_key"], found["token"], self.METHOD)
        return RefreshableCredentials.create_from_metadata(found, refresh_using=self.fetch, method=self.METHOD)

    def fetch(self) -> dict[str, str | None]:
        """Credentials and their end, as botocore names them.

        Raises:
            RunError: AWS refuses what the connector has, or that has expired.
        """
        try:
            connector = Client().get_service_connector_client(self._name, resource_type="aws-generic")
            keys = connector.connect(verify=False).get_credentials().get_frozen_credentials()
        except (AuthorizationException, KeyError) as error:
            raise RunError(
                f"the service connector {self._name} gives no credentials: {str(error).rstrip('.')}; look at it with "
                f"`zenml service-connector verify {self._name}`, and mend it with `zenml service-connector update`"
            ) from error
        ends = connector.expires_at
        return {
            "access_key": keys.access_key,
            "secret_key": keys.secret_key,
            "token": keys.token,
            "expiry_time": None if ends is None else f"{ends:%Y-%m-%dT%H:%M:%S}Z",
        }
