"""A prepared dataset as rows of a feature group, and the same dataset again from the group's records."""

from collections.abc import Collection, Sequence

import datasets
import pyarrow as pa

from finetune.config.features import GroupConfig
from finetune.errors import FeatureStoreError
from finetune.feature_store.moments import moment
from finetune.feature_store.rows import group_of
from finetune.feature_store.store import FeatureStore
from finetune.prepare.columns import GUID
from finetune.prepare.prepare import Chosen
from finetune.prepare.split import SPLITS
from finetune.reconcile.manifest import Manifest
from finetune.words import counted

SHOWN = 3


def table_of(dataset: datasets.DatasetDict, manifest: Manifest, group: GroupConfig) -> pa.Table:
    """All examples as one table: guid, the event time that the labels tell, and the features.

    Raises:
        FeatureStoreError: The labels have no such column, or the group lacks a feature of the dataset.
    """
    refuse_unlisted([name for name in next(iter(dataset.values())).column_names if name != GUID], group)
    times = _times(manifest, group)
    tables = [split.with_format("arrow")[:] for split in dataset.values() if len(split)]
    table = pa.concat_tables(pa.table(each) for each in tables)
    return table.append_column(group.event_time, pa.array([times[guid] for guid in table[GUID].to_pylist()]))


def refuse_unlisted(columns: Sequence[str], group: GroupConfig) -> None:
    """Refuses a group that lacks a column of the dataset.

    Raises:
        FeatureStoreError: Names them.
    """
    unknown = [name for name in columns if name not in group.features]
    if unknown:
        raise FeatureStoreError(
            f"features.group.features: must name all features of the dataset, but {', '.join(unknown)} is missing; add "
            f"it with its type (a list has none: such a dataset is exchanged directly)"
        )


def dataset_of(
    store: FeatureStore,
    group: GroupConfig,
    manifest: Manifest,
    chosen: Chosen,
    rejected: Collection[str],
    features: datasets.Features,
) -> datasets.DatasetDict:
    """The splits of the chosen ids, in their order, each with its record as of its event time.

    Args:
        store: The feature store.
        group: The group.
        manifest: Of the ids, with the event time as a further column.
        chosen: The ids of the dataset, with their splits.
        rejected: Those of them that encode_data dropped.
        features: What get_dataset_features gives.

    Raises:
        FeatureStoreError: An id has no record at its time.
    """
    times, gone = _times(manifest, group), set(rejected)
    guids = [guid for guid in chosen.guids if guid not in gone]
    records = dict(zip(guids, store.at(group_of(group), [(guid, moment(times[guid])) for guid in guids]), strict=True))
    absent = [guid for guid, record in records.items() if record is None]
    if absent:
        raise FeatureStoreError(
            f"feature group {group.name}: {counted(len(absent), 'id')} of the dataset have no record at their time, "
            f"such as {', '.join(absent[:SHOWN])}; records of a group in AWS may take some minutes: go on with the run"
        )
    typed = datasets.Features({GUID: datasets.Value("string"), **features})
    rows = {guid: {GUID: guid, **{name: (record or {})[name] for name in features}} for guid, record in records.items()}
    return datasets.DatasetDict(
        {
            split: datasets.Dataset.from_list(
                [rows[guid] for guid in guids if chosen.splits[guid] == split], features=typed
            )
            for split in SPLITS
        }
    )


def _times(manifest: Manifest, group: GroupConfig) -> dict[str, object]:
    if group.event_time not in manifest.further_columns:
        columns = ", ".join(manifest.further_columns) or "none"
        raise FeatureStoreError(
            f"features.group.event_time: must be a further column of the labels ({columns}), but got "
            f"{group.event_time!r}; let the query return it"
        )
    return {row[GUID]: row[group.event_time] for row in manifest.kept_ids([group.event_time])}
