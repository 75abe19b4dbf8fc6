"""Fetches records of a group for label rows, point-in-time, and lays each down as the file of its id."""

import json
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any, NamedTuple

from finetune.config.production import RECORD
from finetune.errors import FeatureStoreError
from finetune.feature_store.as_of import Wanted
from finetune.feature_store.group import Group
from finetune.feature_store.moments import moment
from finetune.feature_store.records import Record
from finetune.feature_store.store import FeatureStore
from finetune.reconcile.guid import refuse_unsafe_ids
from finetune.storage.storage import storage_of
from finetune.storage.uri import join

BATCH = 10_000
WORKERS = 16
Row = Mapping[str, Any]


class Fetched(NamedTuple):
    """How many ids got a record, and how many have none at their time."""

    found: int
    absent: int


def fetch(store: FeatureStore, name: str, labels: Iterable[Row], folder: str) -> Fetched:
    """Writes `<folder>/<guid>/features.json` for each label row that has a record, and removes what is of none.

    Args:
        store: The feature store.
        name: Of the group.
        labels: Rows with guid, and the group's record identifier and event time: whose record is wanted, as of when.
        folder: A folder of ids, local or in S3, that holds nothing else.

    Raises:
        FeatureStoreError: The group is absent, or the rows lack a column or a time.
        ReconcileError: An id cannot name a folder.
    """
    group, storage = store.schema(name), storage_of(folder)
    found: dict[str, bool] = {}

    def write(guid: str, record: Record | None) -> None:
        found[guid] = record is not None
        if record is not None:
            path, content = join(folder, guid, RECORD), text_of(record)
            if storage.read(path) != content:  # one that is as it was keeps its time: what follows is cached by it
                storage.make_folder(join(folder, guid))
                storage.write(path, content)

    with storage.scratch(folder), ThreadPoolExecutor(WORKERS) as pool:
        for _ in pool.map(lambda each: write(*each), records_of(store, group, labels)):
            pass
    for guid in storage.folders(folder):
        if not found.get(guid):
            storage.delete_below(join(folder, guid))
    return Fetched(sum(found.values()), len(found) - sum(found.values()))


def records_of(store: FeatureStore, group: Group, labels: Iterable[Row]) -> Iterator[tuple[str, Record | None]]:
    """Yields each id of the label rows once, with the record that held at its event time; None where there was none.

    Raises:
        FeatureStoreError: The rows lack a column or a time, or two rows of an id ask for different records.
        ReconcileError: An id cannot name a folder.
    """
    asked = _asked(group, labels)
    while batch := list(islice(asked, BATCH)):
        yield from zip((guid for guid, _ in batch), store.at(group, [wanted for _, wanted in batch]), strict=True)


def _asked(group: Group, labels: Iterable[Row]) -> Iterator[tuple[str, Wanted]]:
    seen: dict[str, Wanted] = {}
    for row in labels:
        guid, wanted = row["guid"], _wanted(group, row)
        if guid not in seen:
            refuse_unsafe_ids([guid])
            seen[guid] = wanted
            yield guid, wanted
        elif seen[guid] != wanted:
            raise FeatureStoreError(
                f"production.labels: id {guid} has one record, but its rows ask for {' at '.join(seen[guid])} and for "
                f"{' at '.join(wanted)}; let the query return one of them"
            )


def text_of(record: Record) -> bytes:
    """A record as the content of its file."""
    return (json.dumps(record, ensure_ascii=False) + "\n").encode()


def _wanted(group: Group, row: Row) -> Wanted:
    absent = [name for name in (group.identifier, group.event_time) if name not in row]
    if absent:
        raise FeatureStoreError(
            f"production.labels: must have the columns {group.identifier} and {group.event_time} of the feature group "
            f"{group.name}, which say whose record is wanted and as of when, but {', '.join(absent)} is missing "
            f"({', '.join(row)}); let the query return it"
        )
    try:
        return _text(row[group.identifier]), moment(row[group.event_time])
    except ValueError as error:
        raise FeatureStoreError(f"production.labels: id {row['guid']}: {group.event_time}: {error}") from error


def _text(value: object) -> str:
    return "" if value is None else str(value)
