"""Files that SageMaker deals out among the instances of one job (ShardedByS3Key), by their number. Pure."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from finetune.config.compute import ComputeConfig
    from finetune.config.shards import ShardsConfig

S3_KEY = "s3_key"
"""What prepare.shards.by says then."""
CHANNEL = "files"
"""The job's input of which each instance gets a share."""


def dealt(groups: int, files: str) -> dict[str, Any]:
    """What a group's machines have beside their config: an instance for each group, and the files of all ids.

    Files are read when they are opened (FastFile): below the same prefix may lie more than is wanted.
    """
    return {
        "instance_count": groups,
        "inputs": {CHANNEL: f"{files.rstrip('/')}/"},
        "distribution": "ShardedByS3Key",
        "input_mode": "FastFile",
    }


def refused_deal(shards: "ShardsConfig", compute: "ComputeConfig", files: Sequence[str]) -> list[str]:
    """The rules that a config breaks where SageMaker deals files out; `files` are the names of each id's."""
    if shards.by != S3_KEY:
        return []
    wrong, machines = [], compute.encode_group
    if len(files) != 1:
        wrong.append(
            f"prepare.shards.by: {S3_KEY} deals out files one by one, so each id must have one, but has "
            f"{', '.join(files)}; write folder, hash or a column of the labels"
        )
    if shards.parallel is not None:
        wrong.append(f"prepare.shards.parallel: with by: {S3_KEY} all groups run at the same time; leave it out")
    if compute.encode_groups:
        wrong.append(f"compute.encode_groups: with prepare.shards.by: {S3_KEY} all groups are one job; leave it out")
    if machines is None and shards.groups > 1:
        wrong.append(f"prepare.shards.by: {S3_KEY} needs machines to deal files to; add compute.encode_group")
    if machines is not None and machines.inputs:
        wrong.append("compute.encode_group.inputs: they would be dealt out, too; leave them out, or write by: hash")
    return wrong
