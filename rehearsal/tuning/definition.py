"""The request of a training job, from the definition that a tuning job gives for all of its own. Pure."""

import copy
from typing import Any

Request = dict[str, Any]
OBJECTIVE_KEY = "_tuning_objective_metric"
# The members of the definition that a training job's request has, too.
KEPT = (
    "AlgorithmSpecification",
    "RoleArn",
    "InputDataConfig",
    "VpcConfig",
    "OutputDataConfig",
    "ResourceConfig",
    "StoppingCondition",
    "EnableNetworkIsolation",
    "EnableInterContainerTrafficEncryption",
    "EnableManagedSpotTraining",
    "CheckpointConfig",
    "RetryStrategy",
    "Environment",
)
INSTANCE = ("InstanceType", "InstanceCount", "VolumeSizeInGB", "VolumeKmsKeyId")


def kept(definition: Request, metric: str) -> Request:
    """The definition as the service keeps it: with the objective's name among the values that a program gets.

    The SDK's `attach` reads that name, and the ResourceConfig also where `fit` has sent it under its other name.
    """
    static = (definition.get("StaticHyperParameters") or {}) | {OBJECTIVE_KEY: metric}
    return definition | {"StaticHyperParameters": static, "ResourceConfig": resources(definition)}


def training_request(name: str, definition: Request, tuned: dict[str, str], tags: list[dict[str, str]]) -> Request:
    """The request of a training job with these values; the tuning job's tags are also its own."""
    request = {member: definition[member] for member in KEPT if member in definition}
    request |= {
        "TrainingJobName": name,
        "HyperParameters": definition["StaticHyperParameters"] | tuned,
        "Tags": tags,
    }
    return copy.deepcopy(request)


def resources(definition: Request) -> Request:
    """The ResourceConfig of its training jobs: of several InstanceConfigs the first, which the service prefers."""
    if definition.get("ResourceConfig"):
        return dict(definition["ResourceConfig"])
    wanted = definition.get("HyperParameterTuningResourceConfig") or {}
    first = (wanted.get("InstanceConfigs") or [{}])[0]
    return {member: value for member, value in (wanted | first).items() if member in INSTANCE}
