"""`deploy:` says on which machines a registered model is served as a SageMaker endpoint, by `run.py deploy`."""

from typing import Self

from pydantic import Field, model_validator

from finetune.config.instance import InstanceType
from finetune.config.section import Section


class AutoscalingConfig(Section):
    """Between how many instances Application Auto Scaling chooses, and by what."""

    min_instances: int = Field(default=1, ge=1)
    """Fewest instances."""
    max_instances: int = Field(ge=1)
    """Most instances."""
    invocations_per_instance: float = Field(default=60.0, gt=0)
    """Requests a minute that one instance shall have; above it instances are added, below it taken away."""

    @model_validator(mode="after")
    def _least_and_most(self) -> Self:
        if self.min_instances > self.max_instances:
            raise ValueError(
                f"min_instances must not be above max_instances, but got {self.min_instances} and {self.max_instances}"
            )
        return self


class DeployConfig(Section):
    """Machines of an endpoint; key and network come from the stack."""

    instance_type: InstanceType = "ml.m5.xlarge"
    """SageMaker's name of the instance type, such as ml.g5.xlarge."""
    instance_count: int = Field(default=1, ge=1)
    """Instances at the start; with autoscaling between its limits."""
    autoscaling: AutoscalingConfig | None = None
    """Adds and takes away instances; without it their number stays."""
    capture_percent: int = Field(default=0, ge=0, le=100)
    """Share of requests that is kept with its answers below `<home>/captured`; 0 keeps none."""
    health_minutes: int = Field(default=10, ge=1, le=60)
    """Minutes that the model has to load and answer /ping."""

    @model_validator(mode="after")
    def _starts_within_its_limits(self) -> Self:
        scaling = self.autoscaling
        if scaling is not None and not scaling.min_instances <= self.instance_count <= scaling.max_instances:
            raise ValueError(
                f"instance_count must be between {scaling.min_instances} and {scaling.max_instances}, the limits of "
                f"autoscaling, but got {self.instance_count}"
            )
        return self
