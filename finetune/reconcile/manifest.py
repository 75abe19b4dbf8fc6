"""The manifest: one Parquet table with a row per file of each kept id, and a row per dropped id with its reason."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from finetune.parquet import open_parquet
from finetune.reconcile.label_rows import chunks
from finetune.reconcile.select import reason_kind
from finetune.reconcile.tables import write_table

BATCH = 10_000
COLUMNS = {
    "guid": pa.string(),
    "label": pa.string(),
    "path": pa.string(),
    "size": pa.int64(),
    "hash": pa.string(),
    "hash_from": pa.string(),
    "source": pa.string(),
    "dropped": pa.string(),
}
PROCESS_FUNC = "process_func"
HashFrom = Literal["database", "s3 checksum", "etag", "computed"]
"""Who said the hash with which a file was copied; whoever it was, the copy was checked against it."""


@dataclass(frozen=True)
class Manifest:
    """A manifest that lies in a local file."""

    path: Path

    def rows(self, columns: Sequence[str]) -> Iterator[dict[str, Any]]:
        """Streams all rows, kept and dropped, with the named columns."""
        for batch in open_parquet(self.path).iter_batches(batch_size=BATCH, columns=list(columns)):
            yield from batch.to_pylist()

    def kept_ids(self, columns: Sequence[str] = ()) -> Iterator[dict[str, Any]]:
        """Streams each kept id once, in order of guid, with guid, label and the named columns."""
        last = None
        for row in self.rows(["guid", "label", "dropped", *columns]):
            if row.pop("dropped") is None and row["guid"] != last:
                last = row["guid"]
                yield row

    def dropped(self) -> Iterator[tuple[str, str | None, str]]:
        """Streams guid, label and reason of each dropped id."""
        for row in self.rows(["guid", "label", "dropped"]):
            if row["dropped"] is not None:
                yield row["guid"], row["label"], row["dropped"]

    def dropped_counts(self) -> dict[str, int]:
        """Dropped ids per kind of reason, in order of kind."""
        return dict(sorted(Counter(reason_kind(reason) for _, _, reason in self.dropped()).items()))

    def label_counts(self) -> dict[str, int]:
        """Kept ids per label, in order of label."""
        return dict(sorted(Counter(row["label"] for row in self.kept_ids()).items()))

    @property
    def further_columns(self) -> list[str]:
        """The label query's columns beside guid and label."""
        return [name for name in pq.read_schema(self.path).names if name not in COLUMNS]


@dataclass(frozen=True)
class FileAtHome:
    """One file of a kept id; `path` is relative to the folder of all ids, `hash` the text of a Digest."""

    path: str
    size: int
    hash: str
    source: str
    hash_from: HashFrom = "computed"


class Line(NamedTuple):
    """What became of one id: its files at home, or why it is dropped."""

    row: Mapping[str, Any]
    """Its label row, with guid; without label and further columns if it has none."""
    files: Sequence[FileAtHome]
    dropped: str | None = None

    def rows(self) -> Iterator[dict[str, Any]]:
        """The manifest's rows of this id, in order of path."""
        if self.dropped is not None:
            yield {**self.row, "dropped": self.dropped}
        for file in sorted(self.files, key=lambda file: file.path):
            yield {**self.row, **vars(file)}


def stream_manifest(target: Path, lines: Iterable[Line], further: pa.Schema) -> Manifest:
    """Writes the manifest as its ids come, in order of guid.

    Args:
        target: The Parquet file to write.
        lines: One for each id.
        further: The label rows' columns beside guid and label.
    """
    schema = pa.schema([*pa.schema(COLUMNS), *further])
    rows = (row for line in lines for row in line.rows())
    write_table(target, schema, (_table(chunk, schema) for chunk in chunks(rows, BATCH)))
    return Manifest(target)


def write_manifest(
    target: Path,
    *,
    rows: Mapping[str, Mapping[str, Any]],
    kept: Mapping[str, Sequence[FileAtHome]],
    dropped: Mapping[str, str],
) -> Manifest:
    """Writes a manifest of ids that are in memory.

    Args:
        target: The Parquet file to write.
        rows: The label row of each id that has one.
        kept: The files at home of each kept id.
        dropped: The reason for each dropped id.
    """
    names = [name for name in next(iter(rows.values()), {}) if name not in ("guid", "label")]
    further = pa.schema([(name, pa.array([row.get(name) for row in rows.values()]).type) for name in names])
    guids = sorted(kept.keys() | dropped.keys())
    lines = (Line({**rows.get(guid, {}), "guid": guid}, kept.get(guid, ()), dropped.get(guid)) for guid in guids)
    return stream_manifest(target, lines, further)


def _table(rows: Sequence[Mapping[str, Any]], schema: pa.Schema) -> pa.Table:
    arrays = [pa.array([row.get(field.name) for row in rows], field.type) for field in schema]
    return pa.Table.from_arrays(arrays, schema=schema)
