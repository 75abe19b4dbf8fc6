"""The boto3 clients of this room, with botocore's standard retries."""

from typing import Any

RETRIES = {"mode": "standard", "max_attempts": 6}


def client(service: str, region: str) -> Any:
    """Gives a client; its credentials come from the usual AWS chain."""
    import boto3  # only here: naming an image needs no AWS
    from botocore.config import Config

    return boto3.Session().client(service, region_name=region, config=Config(retries=RETRIES))
