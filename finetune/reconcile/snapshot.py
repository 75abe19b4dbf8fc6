"""A snapshot of production: label rows and file listing in one Parquet table, read once at the start of a run.

What follows depends on the snapshot's content alone, so a run never sees production change between two reads.
"""

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from finetune.errors import ReconcileError
from finetune.parquet import open_parquet
from finetune.reconcile.guid import printable
from finetune.reconcile.label_rows import BATCH, LabelRow, LabelRows, chunks, rows_in
from finetune.reconcile.ordered import Ordered, cuts_of
from finetune.reconcile.spill import ROWS, Spill
from finetune.reconcile.tables import write_table
from finetune.storage.digest import SHA256, Digest
from finetune.storage.listing import ListedFile
from finetune.storage.storage import storage_of

FILE = pa.struct([("name", pa.string()), ("size", pa.int64()), ("version", pa.string()), ("digest", pa.string())])
LISTING = pa.schema([("guid", pa.string()), ("files", pa.list_(FILE))])
OWN = pa.schema(
    [
        ("guid", pa.string()),
        ("labelled", pa.bool_()),
        ("label", pa.string()),
        ("told", pa.string()),
        ("files", pa.list_(FILE)),
    ]
)
"""Columns beside those that only the label rows have."""
Listed = tuple[str, list[ListedFile]]


@dataclass(frozen=True)
class Snapshot:
    """A snapshot that lies in a local Parquet file."""

    path: Path

    @property
    def rows(self) -> int:
        """Label rows, and ids that have none: at least the number of ids."""
        return int(pq.read_metadata(self.path).num_rows)

    @property
    def further_columns(self) -> pa.Schema:
        """The labels' columns beside guid, label and the hash."""
        return pa.schema(list(pq.read_schema(self.path))[len(OWN) :])


class InProduction(NamedTuple):
    """What production has of one id: its label rows, and those of its files that are called for; one may be empty."""

    guid: str
    rows: list[LabelRow]
    files: list[ListedFile]

    def row(self, label: str | None) -> LabelRow | None:
        """The id's row, of several the last with the label; without a label the last of all."""
        rows = self._labelled(label)
        return rows[-1] if rows else None

    def unlike(self, label: str | None) -> list[int]:
        """The places of those further columns in which the rows that could be `row` differ."""
        values = zip(*(map(str, row.more) for row in self._labelled(label)), strict=True)
        return [place for place, column in enumerate(values) if any(value != column[0] for value in column)]

    def told(self, label: str, names: Sequence[str]) -> list[ListedFile]:
        """The files with these names; with the hash that the row with the label tells, if it does."""
        by_name = {file.name: file for file in self.files}
        files, row = [by_name[name] for name in names], self.row(label)
        if row is None or row.told is None:
            return files
        return [file._replace(digest=_digest(row.told)) for file in files]

    def _labelled(self, label: str | None) -> list[LabelRow]:
        return self.rows if label is None else [row for row in self.rows if row.label == label]


def take_snapshot(
    labels: Iterable[dict[str, Any]],
    *,
    folder: str,
    names: Sequence[str],
    target: Path,
    hash_column: str | None = None,
) -> Snapshot:
    """Reads labels and listing and writes them as a Parquet table in order of guid.

    Args:
        labels: Rows with guid, label and further columns.
        folder: Production's folder of ids.
        names: The files that each id needs.
        target: The Parquet file to write.
        hash_column: The column of the labels that tells the content hash of the id's one file.

    Raises:
        ReconcileError: Labels or listing cannot be read, are empty, or have no file that is called for; or a
            further column of the labels cannot be stored.
    """
    return write_snapshot(labels, _not_empty(folder, names), target=target, hash_column=hash_column)


def write_snapshot(
    labels: Iterable[dict[str, Any]],
    listing: Iterable[Listed],
    *,
    target: Path,
    hash_column: str | None = None,
    part_rows: int = ROWS,
) -> Snapshot:
    """Writes labels and listing, which come in any order, as a Parquet table in order of guid.

    Args:
        labels: As for take_snapshot.
        listing: The ids of production, each with its files.
        target: The Parquet file to write; rows that do not fit in memory lie beside it for a while.
        hash_column: As for take_snapshot.
        part_rows: About how many rows are in memory at the same time.
    """
    with tempfile.TemporaryDirectory(dir=target.parent, prefix="snapshot-") as scratch:
        rows = LabelRows(Path(scratch, "labels"), hash_column)
        rows.add(labels)
        files = Spill(Path(scratch, "listing"), LISTING)
        for chunk in chunks(listing, BATCH):
            files.add(_listing(chunk))
        write_table(target, pa.schema([*OWN, *rows.types.items()]), _joined(rows, files, Path(scratch), part_rows))
    return Snapshot(target)


def ids_of(snapshot: Snapshot, *, further: bool = True) -> Iterator[InProduction]:
    """Streams each id once, in order of guid; without `further` the further columns of its rows are left out."""
    columns = None if further else OWN.names
    for guid, lines in groupby(_lines(snapshot.path, columns), key=itemgetter(0)):
        first = next(lines)
        rows = [row for _, row, _ in (first, *lines) if row is not None]
        yield InProduction(guid, rows, first[2])


def _not_empty(folder: str, names: Sequence[str]) -> Iterator[Listed]:
    """Lists production, which must have one of the files that are called for."""
    count, empty = 0, True
    for guid, files in storage_of(folder).list_ids(folder, names):
        count, empty = count + 1, empty and not files
        yield guid, files
    if empty:
        raise ReconcileError(
            f"production.files: none of the {count:,} ids in {folder} has {' or '.join(names)}; "
            f"check production.files and files_from_production"
        )


def _listing(chunk: Sequence[Listed]) -> pa.Table:
    """The chunk's ids; a name that is not UTF-8 is written with escapes."""
    files = [file for _, listed in chunk for file in listed]
    columns = (
        [file.name for file in files],
        [file.size for file in files],
        [file.version for file in files],
        [None if file.digest is None else str(file.digest) for file in files],
    )
    arrays = [pa.array(values, field.type) for values, field in zip(columns, FILE, strict=True)]
    ends = np.cumsum([0, *(len(listed) for _, listed in chunk)])
    lists = pa.ListArray.from_arrays(pa.array(ends, pa.int32()), pa.StructArray.from_arrays(arrays, fields=list(FILE)))
    guids = pa.array([printable(guid) for guid, _ in chunk], pa.string())
    return pa.Table.from_arrays([guids, lists.cast(LISTING.types[1])], schema=LISTING)


def _joined(rows: LabelRows, listing: Spill, scratch: Path, part_rows: int) -> Iterator[pa.Table]:
    """Yields the rows of a snapshot in order of guid, a part at a time."""
    cuts = cuts_of([rows.spill, listing], part_rows)
    left = _ordered(rows.spill, cuts, scratch / "labels.parts")
    right = _ordered(listing, cuts, scratch / "listing.parts")
    for labels, files in zip(left.spills(), right.spills(), strict=True):
        found = [row for table in labels.read() for row in rows_in(table)]
        yield _join(found, pa.concat_tables([LISTING.empty_table(), *files.read()]), rows)


def _ordered(spill: Spill, cuts: Sequence[str], folder: Path) -> Ordered:
    parts = Ordered(folder, spill.schema, cuts)
    for table in spill.read():
        parts.put(table)
    return parts


def _join(rows: list[LabelRow], listing: pa.Table, labels: LabelRows) -> pa.Table:
    place = {guid: number for number, guid in enumerate(listing["guid"].to_pylist())}
    labelled = {row.guid for row in rows}
    absent = [None] * len(labels.types)
    lines = [(row.key(), row) for row in rows]
    lines += [((guid, "", [], ""), LabelRow(guid, None, None, absent)) for guid in place if guid not in labelled]
    ordered = [row for _, row in sorted(lines, key=itemgetter(0))]
    places = pa.array([place.get(row.guid) for row in ordered], pa.int64())
    columns = [
        [row.guid for row in ordered],
        [row.guid in labelled for row in ordered],
        [row.label for row in ordered],
        [row.told for row in ordered],
    ]
    arrays = [pa.array(values, kind) for values, kind in zip(columns, OWN.types[:-1], strict=True)]
    arrays.append(listing["files"].combine_chunks().take(places))
    arrays += [labels.column(name, [row.more[each] for row in ordered]) for each, name in enumerate(labels.types)]
    return pa.Table.from_arrays(arrays, schema=pa.schema([*OWN, *labels.types.items()]))


def _lines(path: Path, columns: list[str] | None) -> Iterator[tuple[str, LabelRow | None, list[ListedFile]]]:
    for batch in open_parquet(path).iter_batches(batch_size=BATCH, columns=columns):
        guid, labelled, label, told = (batch[name].to_pylist() for name in OWN.names[:-1])
        more = zip(*(column.to_pylist() for column in batch.columns[len(OWN) :]), strict=True)
        further = list(more) or [()] * len(guid)
        lines = zip(guid, labelled, label, told, further, _files(batch["files"]), strict=True)
        for guid_, is_row, label_, told_, more_, files in lines:
            yield guid_, LabelRow(guid_, label_, told_, more_) if is_row else None, files


def _files(lists: pa.ListArray) -> Iterator[list[ListedFile]]:
    """The files of each row, made from columns: to_pylist would make a dict of each."""
    flat = lists.flatten()
    names, sizes, versions, digests = (flat.field(number).to_pylist() for number in range(FILE.num_fields))
    known = [None if text is None else _digest(text) for text in digests]
    files = list(map(ListedFile, names, sizes, versions, known))
    end = 0
    for length in lists.value_lengths().to_pylist():
        start, end = end, end + (length or 0)
        yield files[start:end]


def _digest(text: str) -> Digest:
    """What str made of a digest; there is nothing to check."""
    kind, _, value = text.rpartition(":")
    return Digest(kind or SHA256, value)
