"""The request that makes one SageMaker training job out of a step's machines and the account's settings. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from finetune.compute.instances import instances
from finetune.config.compute import MachinesConfig
from finetune.training.told import metric_definitions
from operators.packing import MOST_VARIABLES, pack

ENTRYPOINT = ["python", "-m", "operators.entrypoint"]
CHECKPOINTS = "/opt/ml/checkpoints"
_HOUR = 3600


@dataclass(frozen=True)
class AccountSettings:
    """What a stack says for all its jobs."""

    role: str
    """ARN of the execution role."""
    output: str
    """S3 prefix for what jobs leave behind, `s3://bucket/prefix`."""
    kms_key: str | None = None
    """Encrypts volumes and outputs."""
    subnets: Sequence[str] = ()
    security_groups: Sequence[str] = ()
    tags: Mapping[str, str] = field(default_factory=dict)


def training_request(
    name: str,
    *,
    image: str,
    command: Sequence[str],
    environment: Mapping[str, str],
    machines: MachinesConfig,
    account: AccountSettings,
    checkpoints: str,
    tags: Mapping[str, str],
    most_variables: int = MOST_VARIABLES,
) -> dict[str, Any]:
    """The arguments of create_training_job.

    Args:
        name: The job's name.
        image: URI of the image that holds the code.
        command: What the leader runs, such as ZenML's entrypoint.
        environment: Its variables.
        machines: The step's entry of compute.
        account: The stack's settings.
        checkpoints: S3 prefix that the job's checkpoints are copied to, and brought from when it starts.
        tags: What the job belongs to; the entry's and the stack's own come on top.
        most_variables: As many as AWS takes.

    Raises:
        ComputeError: The environment is too large.
    """
    output = f"{account.output.rstrip('/')}/jobs"
    visible = {} if machines.gpus is None else {"CUDA_VISIBLE_DEVICES": ",".join(map(str, range(machines.gpus)))}
    request: dict[str, Any] = {
        "TrainingJobName": name,
        "RoleArn": account.role,
        "AlgorithmSpecification": {
            "TrainingImage": image,
            "TrainingInputMode": machines.input_mode,
            "ContainerEntrypoint": ENTRYPOINT,
            "MetricDefinitions": metric_definitions(),
        },
        "ResourceConfig": _resources(machines, account),
        **_patience(machines),
        "OutputDataConfig": {"S3OutputPath": output, **_key("KmsKeyId", account)},
        "CheckpointConfig": {"S3Uri": checkpoints, "LocalPath": CHECKPOINTS},
        "Environment": pack({**environment, **visible, **machines.environment}, command, most_variables),
        "Tags": [{"Key": key, "Value": value} for key, value in {**account.tags, **tags, **machines.tags}.items()],
        # Also for one instance, which sends nothing: an organisation's policy may refuse jobs that do not ask for it.
        "EnableInterContainerTrafficEncryption": True,
    }
    if machines.inputs:
        request["InputDataConfig"] = [_channel(channel, uri, machines) for channel, uri in machines.inputs.items()]
    if account.subnets:
        request["VpcConfig"] = {"Subnets": list(account.subnets), "SecurityGroupIds": list(account.security_groups)}
    return request


def _patience(machines: MachinesConfig) -> dict[str, Any]:
    """After which time the job is stopped, and whether it waits for spare capacity."""
    run = {"MaxRuntimeInSeconds": round(machines.max_run_hours * _HOUR)}
    if not machines.spot or machines.max_wait_hours is None:
        return {"StoppingCondition": run}
    wait = {"MaxWaitTimeInSeconds": round(machines.max_wait_hours * _HOUR)}
    return {"EnableManagedSpotTraining": True, "StoppingCondition": run | wait}


def _resources(machines: MachinesConfig, account: AccountSettings) -> dict[str, Any]:
    resources = {
        "InstanceType": machines.instance_type,
        "InstanceCount": machines.instance_count,
        "VolumeSizeInGB": machines.volume_gb,
        **volume_key("VolumeKmsKeyId", machines.instance_type, account),
    }
    if machines.warm_pool_minutes:
        resources["KeepAlivePeriodInSeconds"] = machines.warm_pool_minutes * 60
    return resources


def _channel(name: str, uri: str, machines: MachinesConfig) -> dict[str, Any]:
    source = {"S3DataType": "S3Prefix", "S3Uri": uri, "S3DataDistributionType": machines.distribution}
    return {"ChannelName": name, "DataSource": {"S3DataSource": source}, "InputMode": machines.input_mode}


def volume_key(member: str, instance_type: str, account: AccountSettings) -> dict[str, str]:
    """The account's key for an instance's volume; a type with disks of its own takes none and encrypts by itself."""
    return {} if instances()[instance_type].disk_gb > 0 else _key(member, account)


def _key(member: str, account: AccountSettings) -> dict[str, str]:
    return {} if account.kms_key is None else {member: account.kms_key}
