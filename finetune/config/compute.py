"""`compute:` says which machines a step gets where the stack has a step operator, such as SageMaker."""

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from finetune.compute.refusals import refused_machines
from finetune.config.instance import InstanceType
from finetune.config.section import Section

VariableName = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z_][a-zA-Z0-9_]*$", max_length=512)]
ChannelName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]+$", max_length=64)]
Prefix = Annotated[str, StringConstraints(pattern=r"^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/.*)?$", max_length=1024)]
TagKey = Annotated[str, StringConstraints(pattern=r"^[\w\s.:/=+\-@]+$", max_length=128)]
TagValue = Annotated[str, StringConstraints(pattern=r"^[\w\s.:/=+\-@]*$", max_length=256)]


class MachinesConfig(Section):
    """Machines of one step: a SageMaker training job of its own."""

    instance_type: InstanceType
    """SageMaker's name of the instance type, such as ml.g5.xlarge."""
    instance_count: int = Field(default=1, ge=1)
    """Instances; train divides each batch among them, other steps run on the first."""
    gpus: int | None = Field(default=None, ge=1)
    """GPUs to use on each instance, a process each; default: all it has."""
    spot: bool = False
    """Spare capacity: cheaper, may be taken away and given back."""
    max_run_hours: float = Field(default=24.0, gt=0, le=672)
    """Hours after which the job is stopped."""
    max_wait_hours: float | None = Field(default=None, gt=0, le=672)
    """Hours to wait for spot capacity and the end of the job together; spot only, at least max_run_hours."""
    volume_gb: int = Field(default=30, ge=1, le=16_384)
    """Size of each instance's disk; a type with disks of its own uses those, and this may not exceed them."""
    warm_pool_minutes: int = Field(default=0, ge=0, le=360)
    """Minutes that instances are kept, and billed, for the next job of the same kind; needs a quota."""
    inputs: dict[ChannelName, Prefix] = Field(default_factory=dict, max_length=20)
    """Further files for the step: name to S3 prefix, found in /opt/ml/input/data/NAME."""
    input_mode: Literal["File", "FastFile"] = "File"
    """How inputs arrive: File copies them before the start, FastFile reads them when they are opened."""
    distribution: Literal["FullyReplicated", "ShardedByS3Key"] = "FullyReplicated"
    """Whether each instance gets all inputs or a share of their files."""
    environment: dict[VariableName, str] = Field(default_factory=dict)
    """Variables of the step's container. Not for secrets: they stand in the job's definition."""
    tags: dict[TagKey, TagValue] = Field(default_factory=dict, max_length=40)
    """Tags of the job, for bills and policies."""

    @model_validator(mode="after")
    def _is_possible(self) -> Self:
        wrong = refused_machines(self)
        if wrong:
            raise ValueError("; ".join(wrong))
        return self


class ComputeConfig(Section):
    """Machines of steps; a step without an entry runs where the pipeline runs. They are in no cache key."""

    reconcile: MachinesConfig | None = None
    """Machines of reconcile."""
    prepare: MachinesConfig | None = None
    """Machines of prepare."""
    encode_group: MachinesConfig | None = None
    """Machine of each group's encode_group, where prepare.shards divides the ids."""
    encode_groups: list[MachinesConfig] = Field(default_factory=list)
    """Machines of the first groups in place of encode_group's: of 0, which has the largest key, of 1, ..."""
    merge: MachinesConfig | None = None
    """Machine of merge, which puts the groups together."""
    train: MachinesConfig | None = None
    """Machines of train."""
    tune: MachinesConfig | None = None
    """Machines of tune: of each trial, or of the step that holds all."""
    evaluate: MachinesConfig | None = None
    """Machines of evaluate."""
