"""`prepare:` says which ids become the dataset, and how they are split and encoded."""

from typing import Annotated, Any, Self

from pydantic import Field, StringConstraints, model_validator

from finetune.config.section import Section
from finetune.config.shards import ShardsConfig

FULL = "full"


class SplitConfig(Section):
    """Shares of the splits; train is what remains."""

    validation: float = Field(default=0.1, gt=0, lt=1)
    """Share of each label's ids that goes to validation."""
    test: float = Field(default=0.2, gt=0, lt=1)
    """Share of each label's ids that goes to test; which ids these are depends on the manifest alone."""
    seed: int = 42
    """Decides between train and validation."""
    by: str | None = None
    """A column of the labels: a group that never crosses splits, or the split (train, validation, test)."""

    @model_validator(mode="after")
    def _train_remains(self) -> Self:
        if self.validation + self.test >= 1:
            raise ValueError(f"validation + test must be below 1, but got {self.validation} + {self.test}")
        return self


class PrepareConfig(Section):
    """Which ids are selected, how they are split, and how they are encoded."""

    dataset_name: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_]*$", max_length=64)] = FULL
    """Name of the prepared dataset; one made with max_per_label must not be called full."""
    ignored_labels: list[str] = Field(default_factory=list)
    """Labels whose ids are left out."""
    num_labels_threshold: int = Field(default=1, ge=1)
    """Labels with fewer ids than this are left out."""
    max_per_label: int | None = Field(default=None, ge=3)
    """At most this many ids of a label, taken from each split in proportion."""
    split: SplitConfig = SplitConfig()
    processes: int | None = Field(default=None, ge=1)
    """Processes that encode at the same time; default: the number of cores."""
    batch_size: int = Field(default=100, ge=1)
    """Ids that a process encodes between two writes."""
    shards: ShardsConfig | None = None
    """Encodes in groups, a step each, which may have machines of their own; without it one step encodes all."""

    @property
    def choice(self) -> dict[str, Any]:
        """The keys that say which id is in which split of the dataset, as keyword values."""
        chosen = self.model_dump(include={"ignored_labels", "num_labels_threshold", "max_per_label"})
        return {**chosen, **self.split.model_dump()}

    @model_validator(mode="after")
    def _partial_has_its_own_name(self) -> Self:
        if self.max_per_label is not None and self.dataset_name == FULL:
            raise ValueError("dataset_name must not be full when max_per_label is set: give the part a name")
        return self
