"""Puts the examples of a prepared dataset into a feature group."""

from datasets import DatasetDict
from zenml import log_metadata, step

from finetune.config.features import GroupConfig
from finetune.experiment import Home
from finetune.feature_store.exchange import table_of
from finetune.feature_store.rows import group_of, rows_of
from finetune.feature_store.store import ingest
from finetune.progress import say
from finetune.reconcile.manifest import Manifest
from operators.stores import feature_store
from steps.work import working


@step(enable_cache=False)
def ingest_dataset(dataset: DatasetDict, manifest: Manifest, home: Home, group: GroupConfig) -> None:
    """Stores what the group does not have yet. Never cached: what the group holds is no input of the step."""
    with working():
        rows = list(rows_of(table_of(dataset, manifest, group), group))
        stored, there = ingest(feature_store(home.root), group_of(group), rows)
        log_metadata({"group": group.name, "stored": stored, "there": there})
        say(f"feature group {group.name}: {stored:,} records stored, {there:,} were there already")
