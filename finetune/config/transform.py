"""`transform:` says how the steps transform and metrics, and `run.py predict`, ask a registered model many records."""

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, field_validator, model_validator

from finetune.config.instance import InstanceType
from finetune.config.section import Section
from finetune.errors import TransformError
from finetune.transform.paths import parsed

MOST_TOGETHER_MB = 100
"""SageMaker's limit for payload times requests at once."""


class TransformConfig(Section):
    """A batch transform: SageMaker's on AWS, processes of the same program on this machine."""

    instance_type: InstanceType = "ml.m5.xlarge"
    """SageMaker's name of the instance type, such as ml.g5.xlarge; not used on this machine."""
    instance_count: int = Field(default=1, ge=1)
    """Instances, or processes on this machine; each takes its share of the files."""
    strategy: Literal["MultiRecord", "SingleRecord"] = "MultiRecord"
    """Whether a request holds as many records as fit, or one."""
    max_payload_mb: int = Field(default=6, ge=1, le=MOST_TOGETHER_MB)
    """Largest request."""
    max_concurrent: int = Field(default=2, ge=1)
    """Requests at once to each instance: while the model works on one, the next is on its way."""
    records_per_file: int = Field(default=1000, ge=1, le=10_000)
    """Records of each file that is asked about: what is done is done by whole files, and is not done again."""
    input_filter: Annotated[str, StringConstraints(max_length=63)] = "$.instance"
    """What the model gets of a record `{"guid": ..., "instance": {file name: content}}`."""
    join_source: Literal["Input", "None"] = "Input"
    """Input: an answer comes with its record; None: alone, which the order of records then names."""
    output_filter: Annotated[str, StringConstraints(max_length=63)] = "$['guid','SageMakerOutput']"
    """What is kept of a record with its answer."""

    @model_validator(mode="after")
    def _fits_the_service(self) -> Self:
        together = self.max_payload_mb * self.max_concurrent
        if together > MOST_TOGETHER_MB:
            raise ValueError(
                f"max_payload_mb times max_concurrent must be at most {MOST_TOGETHER_MB}, but got {together}"
            )
        return self

    @field_validator("input_filter", "output_filter")
    @classmethod
    def _is_a_path(cls, path: str) -> str:
        try:
            parsed(path)
        except TransformError as error:
            raise ValueError(str(error)) from None
        return path
