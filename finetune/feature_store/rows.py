"""Rows of a table as rows of a feature group. Pure."""

from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa

from finetune.config.features import GroupConfig
from finetune.errors import FeatureStoreError
from finetune.feature_store.group import Group, Kind


def group_of(settings: GroupConfig) -> Group:
    """The group that a config describes."""
    kinds = {name: Kind(kind.capitalize()) for name, kind in settings.features.items()}
    return Group(settings.name, settings.record_identifier, settings.event_time, kinds)


def rows_of(table: pa.Table, settings: GroupConfig) -> Iterator[dict[str, Any]]:
    """Yields the table's rows with the group's features.

    Raises:
        FeatureStoreError: A column is missing.
    """
    joined = settings.identified_by or [settings.record_identifier]
    columns = [settings.event_time, *settings.features]
    absent = [name for name in dict.fromkeys([*joined, *columns]) if name not in table.column_names]
    if absent:
        raise FeatureStoreError(
            f"features.group: must name columns of the rows ({', '.join(table.column_names)}), but got "
            f"{', '.join(absent)}; correct it, or let get_dataset_features have it"
        )
    for row in table.select(dict.fromkeys([*joined, *columns])).to_pylist():
        identifier = None if any(row[name] is None for name in joined) else _joined([row[name] for name in joined])
        yield {settings.record_identifier: identifier, **{name: row[name] for name in columns}}


def _joined(values: Sequence[object]) -> object:
    return values[0] if len(values) == 1 else "-".join(map(str, values))
