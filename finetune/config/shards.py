"""`prepare.shards:` says into how many groups the ids are divided, and how the parts of a group are made."""

from typing import Literal

from pydantic import Field

from finetune.compute.deal import S3_KEY
from finetune.config.section import Section

FOLDER, HASH = "folder", "hash"
RULES = (FOLDER, HASH, S3_KEY)
"""What `by` may say in place of a column."""


class ShardsConfig(Section):
    """Groups of ids (macro-shards), a step and a machine each, and parts of a group (micro-shards), a process each."""

    groups: int = Field(default=1, ge=1, le=100)
    """Groups into which the ids are divided, balanced by bytes."""
    by: str = FOLDER
    """What stays together: `folder` (the first folder of an id), `hash` (of the id), or a column of the labels; with
    `s3_key` SageMaker deals the files out among the instances of one job, so that each id must have one file."""
    parallel: int | None = Field(default=None, ge=1)
    """Groups that are encoded at the same time; default: on AWS all, on this machine one after the other."""
    part_mb: int = Field(default=16, ge=1)
    """Megabytes of files that a process takes at a time; a part is what a resumed run does not do again."""
    memory_mb: int = Field(default=2048, ge=64)
    """Megabytes that a process may take for its work, beyond what it has when it starts."""
    corrupt: Literal["fail", "drop"] = "fail"
    """Where encode_data raises on an id's files, or some are missing: whether the step fails or the id is dropped."""
    max_dropped: float = Field(default=0.01, ge=0, le=1)
    """Share of the ids that may be dropped so; above it the step fails."""

    @property
    def steps(self) -> int:
        """Steps that encode: one for each group, or one that SageMaker divides."""
        return 1 if self.by == S3_KEY else self.groups
