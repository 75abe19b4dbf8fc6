"""How much one request may hold; the environment may say otherwise."""

import os
from collections.abc import Mapping
from dataclasses import dataclass

from finetune.errors import ServeError

MEGABYTE = 2**20
REQUEST_MB, INSTANCES = "FINETUNE_REQUEST_MB", "FINETUNE_REQUEST_INSTANCES"
PAYLOAD_MB = "SAGEMAKER_MAX_PAYLOAD_IN_MB"
"""Set by batch transform, where 0 stands for no limit."""


@dataclass(frozen=True)
class Limits:
    """Of one request; an endpoint of SageMaker lets no larger one through."""

    bytes: int = 25 * MEGABYTE
    instances: int = 10_000


def limits(environment: Mapping[str, str] = os.environ) -> Limits:
    """The limits that the environment sets, else the defaults.

    Raises:
        ServeError: A variable is no whole number above 0.
    """
    payload = None if environment.get(PAYLOAD_MB) == "0" else _number(environment, PAYLOAD_MB)
    megabytes = _number(environment, REQUEST_MB) or payload
    return Limits(
        Limits.bytes if megabytes is None else megabytes * MEGABYTE,
        _number(environment, INSTANCES) or Limits.instances,
    )


def _number(environment: Mapping[str, str], name: str) -> int | None:
    text = environment.get(name)
    if not text:
        return None
    if not (text.isascii() and text.isdecimal()) or int(text) < 1:
        raise ServeError(f"{name}: must be a whole number above 0, but got {text!r}")
    return int(text)
