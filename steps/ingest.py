"""Puts the rows of a table of features into a feature group."""

import pyarrow.parquet as pq
from zenml import log_metadata, step

from finetune.artifacts import Features
from finetune.config.features import GroupConfig
from finetune.experiment import Home
from finetune.feature_store.rows import group_of, rows_of
from finetune.feature_store.store import ingest as ingest_rows
from finetune.progress import say
from operators.stores import feature_store
from steps.work import working


@step(enable_cache=False)
def ingest(table: Features, home: Home, group: GroupConfig) -> None:
    """Stores what the group does not have yet. Never cached: what the group holds is no input of the step."""
    with working():
        rows = list(rows_of(pq.read_table(table.path), group))
        stored, there = ingest_rows(feature_store(home.root), group_of(group), rows)
        log_metadata({"group": group.name, "stored": stored, "there": there})
        say(f"feature group {group.name}: {stored:,} records stored, {there:,} were there already")
