"""Reads secrets where they are used: from ZenML's store, and from AWS Secrets Manager by this process's session."""

import json
import os
from collections.abc import Mapping
from typing import Any

from finetune.errors import ConfigError, UnreachableError
from finetune.reconcile.filled import Readers
from finetune.storage.session import session_maker

ABSENT = "ResourceNotFoundException"
DENIED = {
    "403",
    "AccessDeniedException",
    "DecryptionFailure",
    "ExpiredTokenException",
    "InvalidClientTokenId",
    "UnrecognizedClientException",
}
RETRIES = {"mode": "standard", "max_attempts": 4}


def secret_readers(region: str | None = None) -> Readers:
    """The reader of each secret store.

    Args:
        region: Of AWS Secrets Manager; without one, that of the environment, as a job has it.
    """
    return {"zenml": read_zenml, "aws": lambda name, key: read_aws(name, key, region)}


def read_zenml(name: str, key: str | None) -> str:
    """The value of a key of a secret in ZenML's store.

    Raises:
        ConfigError: There is no such secret or key.
        UnreachableError: This user may not read it.
    """
    from zenml.client import Client
    from zenml.exceptions import AuthorizationException, IllegalOperationError

    try:
        values = Client().get_secret_by_name_and_private_status(name).secret_values
    except KeyError:
        raise ConfigError(
            f"ZenML has no secret {name}, or does not show it to you; look with `zenml secret list`, create it with "
            f"`zenml secret create {name} --interactive`"
        ) from None
    except (AuthorizationException, IllegalOperationError):
        raise UnreachableError(f"ZenML does not let you read the secret {name}; ask its owner to share it") from None
    return _of_key(values, name, key or "", "ZenML's secret")


def read_aws(name: str, key: str | None, region: str | None) -> str:
    """The value of a key of a JSON secret in AWS Secrets Manager, or all of its text.

    Raises:
        ConfigError: There is no such secret or key, or the secret is no JSON object.
        UnreachableError: There are no credentials, they do not allow it, or AWS does not answer.
    """
    # Here, because steps that read no secret from AWS start sooner without it.
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError

    # A job is told its region by AWS_REGION, which boto3 does not look at.
    where, config = region or os.environ.get("AWS_REGION"), Config(retries=RETRIES, connect_timeout=10, read_timeout=30)
    try:
        client = session_maker()().client("secretsmanager", region_name=where, config=config)
        where = client.meta.region_name
        text = client.get_secret_value(SecretId=name).get("SecretString")
    except ClientError as error:
        raise _refused(name, str(where), error.response.get("Error", {})) from None
    except BotoCoreError as error:
        raise UnreachableError(
            f"AWS Secrets Manager is not reached: {error}; sign in, set AWS_REGION, and give subnets without a way out "
            f"a VPC endpoint for secretsmanager"
        ) from None
    if text is None:
        raise ConfigError(f"the secret {name} of AWS Secrets Manager is binary, but must be text")
    return text if key is None else _of_key(_json(text, name, key), name, key, "the secret of AWS Secrets Manager")


def _refused(name: str, region: str | None, told: Mapping[str, Any]) -> ConfigError | UnreachableError:
    code = str(told.get("Code", "?"))
    if code == ABSENT:
        return ConfigError(
            f"AWS Secrets Manager has no secret {name} in {region} (a secret's key is what follows the last dot); "
            f"create it with `aws secretsmanager create-secret --name {name} --secret-string file://FILE`"
        )
    if code not in DENIED:
        return ConfigError(f"AWS Secrets Manager does not give the secret {name}: {told.get('Message', '')} ({code})")
    return UnreachableError(
        f"AWS Secrets Manager does not let you read the secret {name} in {region} ({code}): that takes "
        f"secretsmanager:GetSecretValue on it, and kms:Decrypt on its key; jobs may read what `secrets:` of the stack "
        f"file names, once the role has the policy (stacks/iam/README.md)"
    )


def _json(text: str, name: str, key: str) -> Mapping[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:  # it quotes the text
        found = None
    if not isinstance(found, dict):
        raise ConfigError(
            f"the secret {name} of AWS Secrets Manager is no JSON object, so it has no key {key}; write "
            f"${{aws:{name}}} for all of its text"
        )
    return found


def _of_key(values: Mapping[str, Any], name: str, key: str, what: str) -> str:
    value = values.get(key)
    if value is None:
        raise ConfigError(f"{what} {name} has no key {key}; its keys are {', '.join(sorted(values)) or 'none'}")
    if isinstance(value, dict | list):
        raise ConfigError(f"the key {key} of {what} {name} must be a text or a number, but it is a {_kind(value)}")
    return value if isinstance(value, str) else json.dumps(value)


def _kind(value: object) -> str:
    return "mapping" if isinstance(value, dict) else "list"
