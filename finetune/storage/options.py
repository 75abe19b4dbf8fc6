"""How S3 is spoken to, from environment variables: they reach every process and every job of a run alike."""

import os
from dataclasses import dataclass

ENDPOINT = "AWS_ENDPOINT_URL_S3"
"""The AWS SDKs' own variable; boto3 reads it itself."""
KMS_KEY = "FINETUNE_S3_KMS_KEY"
REQUESTER_PAYS = "FINETUNE_S3_REQUESTER_PAYS"


@dataclass(frozen=True)
class Options:
    """What is asked for with each request."""

    kms_key: str | None = None
    """Key of AWS KMS with which S3 encrypts what is written; without one, the bucket's own encryption."""
    requester_pays: bool = False
    """Whether this account pays for requests to buckets of others."""


def options() -> Options:
    """Those of this process's environment."""
    return Options(os.environ.get(KMS_KEY) or None, os.environ.get(REQUESTER_PAYS) == "true")


def variables(endpoint_url: str | None, kms_key: str | None, requester_pays: bool) -> dict[str, str]:
    """The environment variables that say the same to another process."""
    said = {ENDPOINT: endpoint_url, KMS_KEY: kms_key, REQUESTER_PAYS: "true" if requester_pays else None}
    return {name: value for name, value in said.items() if value}
