"""The ZenML flavor `finetune_sagemaker`: what its component is configured with, and what a step may set."""

from pydantic import Field
from zenml.config.base_settings import BaseSettings
from zenml.step_operators.base_step_operator import BaseStepOperator, BaseStepOperatorConfig, BaseStepOperatorFlavor

from finetune.config.compute import MachinesConfig

NAME = "finetune_sagemaker"


class SagemakerJobSettings(BaseSettings):
    """What one step sets: `settings={"step_operator": {"machines": <its entry of compute>}}`."""

    machines: MachinesConfig | None = None
    """The step's entry of `compute:`."""


class SagemakerJobConfig(BaseStepOperatorConfig, SagemakerJobSettings):
    """What the stack file sets for all jobs."""

    role: str
    """ARN of the role that jobs run as."""
    output: str
    """S3 prefix for what jobs leave behind, `s3://bucket/prefix`."""
    region: str | None = None
    """AWS region; default: that of the environment."""
    kms_key: str | None = None
    """Encrypts volumes and outputs."""
    subnets: list[str] = Field(default_factory=list)
    security_groups: list[str] = Field(default_factory=list)
    """Jobs run in this VPC; both or neither."""
    tags: dict[str, str] = Field(default_factory=dict)

    @property
    def is_remote(self) -> bool:
        """Jobs run elsewhere, so ZenML's store must be reachable from there."""
        return True


class FinetuneSagemakerFlavor(BaseStepOperatorFlavor):
    """Registers the step operator: `zenml step-operator flavor register operators.flavor.FinetuneSagemakerFlavor`."""

    @property
    def name(self) -> str:
        """Name of the flavor."""
        return NAME

    @property
    def config_class(self) -> type[SagemakerJobConfig]:
        """What the component is configured with."""
        return SagemakerJobConfig

    @property
    def implementation_class(self) -> type[BaseStepOperator]:
        """The step operator."""
        from operators.step_operator import SagemakerJobs

        return SagemakerJobs
