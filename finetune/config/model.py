"""`model:` is handed to get_model and encode_data as it stands; the library itself reads two of its keys.

`models:` holds several of them by name, each with what its training does otherwise.
"""

import difflib
from typing import Annotated, Any, Self

from pydantic import ConfigDict, StringConstraints, field_serializer, model_validator

from finetune.config.section import Section
from finetune.config.train import TrainConfig

# How like a key must be to be taken for a typo. The library reads the first two; max_length is this project's name for
# the longest example, and a typo of it would pass unseen where a base config sets it already.
TYPOS = {"checkpoint": 0.75, "sha256": 0.75, "max_length": 0.85}


class ModelConfig(Section):
    """An experiment's model section: any keys that its functions understand."""

    model_config = ConfigDict(extra="allow")

    checkpoint: str | None = None
    """`package:<python package>/<folder>`, a local folder, or a hub id."""
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")] | None = None
    """SHA-256 of the checkpoint's model.safetensors, checked at load."""

    @model_validator(mode="after")
    def _no_near_miss(self) -> Self:
        for key in self.model_extra or {}:
            near = [known for known, cutoff in TYPOS.items() if difflib.get_close_matches(key, [known], cutoff=cutoff)]
            if near and key not in TYPOS:
                raise ValueError(f"{key} looks like {near[0]}; write that, or choose a name less like it")
        return self


class NamedModelConfig(ModelConfig):
    """One of several models: the keys of a model section, and what its training does otherwise."""

    train: TrainConfig = TrainConfig()
    """Keys that replace those of the config's `train:` for this model; get_model and encode_data do not see them."""

    @field_serializer("train")
    def _only_what_is_said(self, train: TrainConfig) -> dict[str, Any]:
        """A default that was filled in would replace what `train:` says when the config is read again."""
        return train.model_dump(mode="json", exclude_unset=True)

    @property
    def section(self) -> ModelConfig:
        """The model section alone."""
        return ModelConfig.model_validate(self.model_dump(exclude={"train"}))

    def trained_with(self, train: TrainConfig) -> TrainConfig:
        """How it is trained where the config's `train:` is this.

        Raises:
            ValidationError: The keys of both do not go together.
        """
        return TrainConfig.model_validate({**train.model_dump(), **self.train.model_dump(exclude_unset=True)})
