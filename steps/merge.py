"""Merges the encoded groups into one dataset."""

from typing import Annotated, Any

from datasets import DatasetDict
from zenml import log_metadata, step

from finetune.config.prepare import PrepareConfig
from finetune.experiment import Home
from finetune.prepare.divide import chosen_of
from finetune.prepare.prepare import conclude
from finetune.prepare.split import SPLITS
from finetune.progress import say
from finetune.reconcile.manifest import Manifest
from finetune.reconcile.occupant import refuse_other
from finetune.shards.group import Group
from finetune.shards.markers import forget
from finetune.shards.merge import merge as merge_groups
from finetune.shards.merge import told_dropped
from finetune.shards.plan import Plan
from materializers.merged import MergedMaterializer
from steps.room import shards_of
from steps.work import working


@step(output_materializers={"dataset_{dataset_name}": MergedMaterializer})
def merge(
    plan: Plan, groups: list[Group], manifest: Manifest, home: Home, settings: PrepareConfig, code: str
) -> tuple[Annotated[DatasetDict, "dataset_{dataset_name}"], Annotated[dict[str, Any], "preparation"]]:
    """Puts the groups together by reference: the dataset is what prepare gives; `code` is the hash of what merges."""
    with working():
        merged = merge_groups(plan, groups, shards_of(settings).max_dropped, SPLITS)
        preparation = conclude(chosen_of(plan), merged.dataset, merged.truncated)
        refuse_other(home, manifest)  # at the end: it holds for all that was read
        log_metadata({"counts": preparation.counts, "rejected": len(preparation.rejected), **merged.statistics})
        if merged.dropped:
            say(told_dropped(merged.dropped))
            log_metadata({"unreadable": dict(list(merged.dropped.items())[:20])})
        for group in groups:
            forget(str(home.parts), group.about.parts)
        return merged.dataset, preparation.to_dict()
