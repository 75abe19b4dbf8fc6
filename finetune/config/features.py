"""`features:` says how the pipeline features names and sums up its rows, and which feature group rows go into."""

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from finetune.config.section import Section

GroupName = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9]([-_]*[a-zA-Z0-9]){0,63}$")]
FeatureName = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9]([-_]*[a-zA-Z0-9]){0,63}$")]
RESERVED = ("is_deleted", "write_time", "api_invocation_time")
"""Names that SageMaker Feature Store keeps for itself."""


class GroupConfig(Section):
    """A feature group: what is computed once and fetched by its name."""

    name: GroupName
    """Name of the group: of all experiments with this root, or of the AWS account."""
    record_identifier: FeatureName
    """The feature that says whose record it is."""
    identified_by: list[str] = Field(default_factory=list)
    """Columns of the rows whose values, joined by hyphens, are the identifier; default: the column of its name."""
    event_time: FeatureName
    """The feature that says from when on a record holds, and the rows' column: ISO 8601 text or seconds since 1970."""
    features: dict[FeatureName, Literal["string", "integral", "fractional"]] = Field(min_length=1)
    """Type of each further feature, which is the rows' column of its name."""

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        names = [self.record_identifier, self.event_time, *self.features]
        lowered = [name.lower() for name in names]
        twice = sorted({name for name in names if lowered.count(name.lower()) > 1})
        if twice:
            raise ValueError(f"each feature must have a name of its own, whatever its case, but got {', '.join(twice)}")
        taken = [name for name in names if name.lower() in RESERVED]
        if taken:
            raise ValueError(f"{taken[0]} is a name that the feature store keeps for itself; choose another")
        return self


class FeaturesConfig(Section):
    """The table that the pipeline features writes, and the group that is filled."""

    by: str | None = None
    """A text column of the rows, such as the name of a signal: statistics are told for each of its values."""
    names: dict[str, dict[str, str]] = Field(default_factory=dict)
    """By column, one name for each other spelling: {signal: {ecg ii: II}}. All else is written in capitals."""
    group: GroupConfig | None = None
    """The feature group that the rows go into: of the pipeline features its table's, of finetune its dataset's."""
    exchange: Literal["direct", "by_name"] = "direct"
    """How the pipeline finetune hands its dataset to train: direct, as an artifact; or by_name, which puts it into the
    group and fetches it by the group's name, as of each id's event time. Then all of its columns are in the group."""
