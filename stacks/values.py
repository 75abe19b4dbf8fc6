"""What a stack file may say: the values of an AWS account, each with its shape, and ZenML's components."""

from typing import Annotated, Any, Self

from pydantic import Field, StringConstraints, model_validator

from finetune.config.section import Section

S3_PLACE = r"^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[^/\s?#]+)*$"
AWS = "arn:aws(-cn|-us-gov)?"
HEX = "[0-9a-f]"
NETWORK_ID = rf"({HEX}{{8}}|{HEX}{{17}})$"

RoleArn = Annotated[str, StringConstraints(pattern=rf"^{AWS}:iam::\d{{12}}:role/[A-Za-z0-9_+=,.@/-]+$", max_length=576)]
Subnet = Annotated[str, StringConstraints(pattern=rf"^subnet-{NETWORK_ID}")]
SecurityGroup = Annotated[str, StringConstraints(pattern=rf"^sg-{NETWORK_ID}")]
S3Place = Annotated[str, StringConstraints(pattern=S3_PLACE)]
TagText = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9 _.:/=+@-]+$", max_length=128)]


class Values(Section):
    """An account's own: they reach every job, training and processing alike."""

    role: RoleArn
    """Execution role of all jobs: arn:aws:iam::111122223333:role/NAME."""

    bucket: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")]
    """Bucket for artifacts and SageMaker's own files: the name alone, 3 to 63 of a-z, 0-9, dot and hyphen."""

    region: Annotated[str, StringConstraints(pattern=r"^[a-z]{2}(-[a-z]+)+-\d$")]
    """Region of all jobs, such as eu-west-1."""

    image: Annotated[
        str,
        StringConstraints(
            pattern=rf"^\d{{12}}\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com(\.cn)?/[a-z0-9][a-z0-9._/-]+"
            rf"(:[A-Za-z0-9_.-]+|@sha256:{HEX}{{64}})$"
        ),
    ]
    """Image in ECR: 111122223333.dkr.ecr.REGION.amazonaws.com/NAME:TAG or ...@sha256:DIGEST."""

    kms_key: (
        Annotated[
            str,
            StringConstraints(
                pattern=rf"^{AWS}:kms:[a-z0-9-]+:\d{{12}}:key/({HEX}{{8}}(-{HEX}{{4}}){{3}}-{HEX}{{12}}|mrk-{HEX}{{32}})$"
            ),
        ]
        | None
    ) = None
    """Key for volumes, outputs and artifacts: arn:aws:kms:REGION:111122223333:key/ID."""

    subnets: Annotated[list[Subnet], Field(max_length=16)] = []
    """Subnets of the jobs' VPC: subnet-... with 8 or 17 hex digits."""

    security_groups: Annotated[list[SecurityGroup], Field(max_length=5)] = []
    """Security groups of the jobs: sg-... with 8 or 17 hex digits."""

    scheduler_role: RoleArn | None = None
    """Role that EventBridge takes to start scheduled pipelines: arn:aws:iam::111122223333:role/NAME."""

    secrets: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9/_+=.@-]+\*?$")] | None = None
    """Secrets of AWS Secrets Manager that jobs may read, by the beginning of their names: finetune/*."""

    code_build_project: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{1,149}$")] | None = None
    """Project of AWS CodeBuild that builds images where there is no docker engine: 2 to 150 of A-Z, a-z, 0-9, _, -."""

    connector: str | None = None
    """Name of a ZenML service connector; without one, credentials come from the usual AWS chain."""

    tags: Annotated[dict[TagText, TagText], Field(max_length=45)] = {}
    """Tags of every job and pipeline. Up to 45: AWS allows 50, and a step may add its own."""

    @model_validator(mode="after")
    def _network_is_whole(self) -> Self:
        if bool(self.subnets) != bool(self.security_groups):
            raise ValueError(
                "subnets and security_groups must be given together, or neither, "
                f"but got {len(self.subnets)} and {len(self.security_groups)}"
            )
        return self

    @model_validator(mode="after")
    def _all_in_one_region(self) -> Self:
        for key, region in (("image", self.image.split(".")[3]), ("kms_key", (self.kms_key or "").split(":")[3:4])):
            found = region if isinstance(region, str) else next(iter(region), self.region)
            if found != self.region:
                raise ValueError(f"{key} must be in region {self.region}, as the jobs are, but got {found}")
        return self

    @property
    def registry(self) -> str:
        """The ECR registry of the image: 111122223333.dkr.ecr.REGION.amazonaws.com."""
        return self.image.partition("/")[0]

    @property
    def account(self) -> str:
        """The account of the execution role."""
        return self.role.split(":")[4]


class Component(Section):
    """One of the stack's components; further keys are the flavor's own settings, which ZenML checks."""

    model_config = Section.model_config | {"extra": "allow"}

    flavor: str
    """ZenML flavor: sagemaker, s3, aws, local, finetune_sagemaker, mlflow, wandb, ..."""

    name: str | None = None
    """Name in ZenML; without one, that of the stack, and of several trackers that of the stack and the flavor."""

    @property
    def settings(self) -> dict[str, Any]:
        """The flavor's own settings."""
        return dict(self.model_extra or {})


class Components(Section):
    """The stack, by ZenML's kinds."""

    orchestrator: Component
    artifact_store: Component
    container_registry: Component | None = None
    image_builder: Component | None = None
    step_operator: Component | None = None
    experiment_tracker: Component | list[Component] | None = None
    """One tracker, or several."""

    @model_validator(mode="after")
    def _trackers_differ(self) -> Self:
        some = self.experiment_tracker if isinstance(self.experiment_tracker, list) else []
        names = [each.name or each.flavor for each in some]
        if len(set(names)) < len(names):
            raise ValueError(f"experiment_tracker: trackers must have different names (name:), but got {names}")
        return self

    def all(self) -> list[tuple[str, Component]]:
        """Kind and component of each that is there."""
        found = [(kind, getattr(self, kind)) for kind in type(self).model_fields]
        return [(kind, each) for kind, some in found for each in (some if isinstance(some, list) else [some]) if each]


class StackFile(Section):
    """A file stacks/NAME.yaml."""

    root: S3Place | None = None
    """Replaces the config's root: s3://BUCKET/PREFIX."""

    production: S3Place | None = None
    """Where production's files and labels lie, instead of places of this machine: s3://BUCKET/PREFIX."""

    values: Values | None = None
    """The AWS account's values."""

    components: Components
    """ZenML's components."""

    @model_validator(mode="after")
    def _sagemaker_has_values(self) -> Self:
        if self.components.orchestrator.flavor == "sagemaker" and self.values is None:
            raise ValueError("values: is required with the SageMaker orchestrator: role, bucket, region, image")
        return self
