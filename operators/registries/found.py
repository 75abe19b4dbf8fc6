"""Which registries a stack has: ZenML's always, MLflow's where it tracks runs, SageMaker's where runs are on it."""

import os
from collections.abc import Callable, Mapping
from typing import Any

from zenml.enums import StackComponentType
from zenml.models import StackResponse

from finetune.errors import RegistryError
from finetune.registry.registry import Registry
from finetune.tracking.choose import chosen
from operators.registries.mlflow import MlflowRegistry
from operators.registries.sagemaker import SagemakerRegistry
from operators.registries.zenml import ZenmlRegistry
from operators.trackers import trackers_of

RETRIES = {"mode": "standard", "max_attempts": 5}


def registries_of(
    stack: StackResponse | None, tracking: Mapping[str, Any], client: Callable[[], Any] | None = None
) -> list[Registry]:
    """All of them.

    Args:
        stack: As ZenML knows it.
        tracking: The run's config section of that name.
        client: Gives a boto3 client of SageMaker; default: one with the credentials of the usual AWS chain.

    Raises:
        RegistryError: The stack is gone.
    """
    if stack is None:
        raise RegistryError("the run's stack is gone from ZenML; register it again: python run.py stack apply NAME")
    found: list[Registry] = [ZenmlRegistry()]
    tracked = chosen(tracking, trackers_of(stack), os.environ)
    if tracked.mlflow is not None:
        found.append(MlflowRegistry(tracked.mlflow.uri, tracked.credentials))
    orchestrator = stack.components[StackComponentType.ORCHESTRATOR][0]
    if orchestrator.flavor_name == "sagemaker":
        region = str(orchestrator.configuration["region"])
        found.append(SagemakerRegistry(client or (lambda: _client(region))))
    return found


def _client(region: str) -> Any:
    import boto3
    from botocore.config import Config

    return boto3.Session(region_name=region).client("sagemaker", config=Config(retries=RETRIES))
