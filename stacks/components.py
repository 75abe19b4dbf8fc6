"""From a stack file to ZenML's components: which value reaches which setting. Pure; imports no ZenML."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from stacks.files import Stack
from stacks.values import Component, Values

SMALLEST = "ml.t3.medium"
Configuration = dict[str, Any]


@dataclass(frozen=True)
class Registered:
    """One component as ZenML is to know it."""

    kind: str
    name: str
    flavor: str
    configuration: Configuration
    connected: bool = False
    """Whether it gets the service connector that the file names."""


def registered(stack: Stack) -> list[Registered]:
    """The stack's components; what the file says of one goes over what follows from the account's values."""
    found = stack.components.all()
    kinds = [kind for kind, _ in found]
    return [_registered(stack, kind, component, alone=kinds.count(kind) == 1) for kind, component in found]


def _registered(stack: Stack, kind: str, component: Component, *, alone: bool) -> Registered:
    flavor = component.flavor
    name = component.name or (stack.name if alone else f"{stack.name}-{flavor}")
    follows = FOLLOWS.get((kind, flavor))
    if stack.values is None or follows is None:
        return Registered(kind, name, flavor, component.settings)
    connected = (kind, flavor) in USED_BY_CLIENTS
    return Registered(kind, name, flavor, follows(stack.values) | component.settings, connected)


def _orchestrator(values: Values) -> Configuration:
    """Steps run as processing jobs on the smallest instance, and the client does not wait for them.

    `estimator_args` reach training jobs, should a step ask for one (`use_training_step`); the warm pool is off, since
    its quota is 0 in a new account.
    """
    network = {"subnets": values.subnets, "security_group_ids": values.security_groups} if values.subnets else {}
    encrypted = {"encrypt_inter_container_traffic": True}
    keys = {"volume_kms_key": values.kms_key, "output_kms_key": values.kms_key} if values.kms_key else {}
    return {
        "execution_role": values.role,
        "region": values.region,
        "bucket": values.bucket,
        "scheduler_role": values.scheduler_role,
        "synchronous": False,
        "use_training_step": False,
        "keep_alive_period_in_seconds": None,
        "instance_type": SMALLEST,
        "tags": values.tags,
        "pipeline_tags": values.tags,
        "processor_args": {"network_config": network | encrypted, **keys},
        "estimator_args": network | encrypted | keys,
    }


def _step_operator(values: Values) -> Configuration:
    """The same for training jobs, by the keys of operators/flavor.py."""
    return {
        "role": values.role,
        "output": f"s3://{values.bucket}",
        "region": values.region,
        "kms_key": values.kms_key,
        "subnets": values.subnets,
        "security_groups": values.security_groups,
        "tags": values.tags,
    }


def _artifact_store(values: Values) -> Configuration:
    """Artifacts lie below `zenml/` of the bucket, encrypted with the account's key."""
    key = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": values.kms_key}
    encrypted = {"s3_additional_kwargs": key} if values.kms_key else {}
    return {"path": f"s3://{values.bucket}/zenml", "client_kwargs": {"region_name": values.region}, **encrypted}


def _container_registry(values: Values) -> Configuration:
    return {"uri": values.registry}


def _image_builder(values: Values) -> Configuration:
    return {"code_build_project": values.code_build_project} if values.code_build_project else {}


FOLLOWS: dict[tuple[str, str], Callable[[Values], Configuration]] = {
    ("orchestrator", "sagemaker"): _orchestrator,
    ("step_operator", "finetune_sagemaker"): _step_operator,
    ("artifact_store", "s3"): _artifact_store,
    ("container_registry", "aws"): _container_registry,
    ("image_builder", "aws"): _image_builder,
}
"""What follows from the values."""

USED_BY_CLIENTS = FOLLOWS.keys() - {("step_operator", "finetune_sagemaker")}
"""These get the service connector. The step operator works in jobs only, where the execution role's credentials are."""
