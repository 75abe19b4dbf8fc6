"""A snapshot of production: label rows and file listing in one Parquet table, read once at the start of a run.

What follows depends on the snapshot's content alone, so a run never sees production change between two reads.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from finetune.errors import ReconcileError
from finetune.reconcile.guid import printable
from finetune.storage.listing import ListedFile
from finetune.storage.storage import storage_of

FILES = pa.list_(pa.struct([("name", pa.string()), ("size", pa.int64()), ("version", pa.string())]))
RESERVED = ("labelled", "files", "path", "size", "hash", "source", "dropped")


@dataclass(frozen=True)
class Snapshot:
    """A snapshot that lies in a local Parquet file."""

    path: Path


class Production(NamedTuple):
    """Production as it was read: label rows, and the listed files of each id of either side, perhaps none."""

    rows: list[dict[str, Any]]
    files: dict[str, list[ListedFile]]


def take_snapshot(labels: Iterable[dict[str, Any]], *, folder: str, names: Sequence[str], target: Path) -> Snapshot:
    """Reads labels and listing and writes them as a Parquet table in order of guid.

    Args:
        labels: Rows with guid, label and further columns.
        folder: Production's folder of ids.
        names: The files that each id needs.
        target: The Parquet file to write.

    Raises:
        ReconcileError: Labels or listing cannot be read, are empty, or have no file that is called for; or a
            further column of the labels cannot be stored.
    """
    rows = list(labels)
    if not rows:
        raise ReconcileError("production.labels: returned no rows; check the query or file")
    listing = dict(storage_of(folder).list_ids(folder, names))
    if not any(listing.values()):
        raise ReconcileError(
            f"production.files: none of the {len(listing):,} ids in {folder} has {' or '.join(names)}; "
            f"check production.files and files_from_production"
        )
    pq.write_table(_table(rows, listing), target)
    return Snapshot(target)


def _table(rows: list[dict[str, Any]], listing: dict[str, list[ListedFile]]) -> pa.Table:
    labelled = {row["guid"] for row in rows}
    further = [name for name in rows[0] if name not in ("guid", "label")]
    clash = sorted(set(further) & set(RESERVED))
    if clash:
        raise ReconcileError(f"production.labels: the column name {clash[0]} is taken; rename it in the query with AS")
    # all values, because rows of one guid and label may differ in the rest, and a database gives them in any order
    rows = sorted(rows, key=lambda row: (row["guid"], row["label"] or "", [str(row[name]) for name in further]))
    unlabelled = sorted(guid for guid in listing if guid not in labelled)
    guids = [row["guid"] for row in rows] + unlabelled
    files = [[file._asdict() for file in listing.get(guid, [])] for guid in guids]
    absent: list[Any] = [None] * len(unlabelled)
    columns = {name: _column(name, [row[name] for row in rows] + absent) for name in further}
    return pa.table(
        {
            "guid": pa.array([row["guid"] for row in rows] + [printable(guid) for guid in unlabelled], pa.string()),
            "labelled": pa.array([True] * len(rows) + [False] * len(unlabelled)),
            "label": pa.array([row["label"] for row in rows] + absent, pa.string()),
            "files": pa.array(files, FILES),
            **columns,
        }
    )


def _column(name: str, values: list[Any]) -> pa.Array:
    try:
        return pa.array(values)
    except (pa.ArrowException, OverflowError, ValueError) as error:
        kinds = " and ".join(sorted({type(value).__name__ for value in values if value is not None}))
        raise ReconcileError(
            f"production.labels: the column {name} cannot be stored, because its values are of type {kinds}; leave it "
            f"out, or make it one plain type, in a query with CAST({name} AS TEXT) AS {name}"
        ) from error


def read_snapshot(snapshot: Snapshot) -> Production:
    """Reads a snapshot back."""
    rows: list[dict[str, Any]] = []
    files: dict[str, list[ListedFile]] = {}
    for row in _stream(snapshot.path):
        listed, labelled = row.pop("files"), row.pop("labelled")
        files[row["guid"]] = [ListedFile(**file) for file in listed]
        if labelled:
            rows.append(row)
    return Production(rows, files)


def _stream(path: Path) -> Iterator[dict[str, Any]]:
    for batch in pq.ParquetFile(path).iter_batches(batch_size=10_000):
        yield from batch.to_pylist()
