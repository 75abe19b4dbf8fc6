"""The manifest: one Parquet table with a row per file of each kept id, and a row per dropped id with its reason."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from finetune.reconcile.select import reason_kind

BATCH = 10_000
COLUMNS = {
    "guid": pa.string(),
    "label": pa.string(),
    "path": pa.string(),
    "size": pa.int64(),
    "hash": pa.string(),
    "source": pa.string(),
    "dropped": pa.string(),
}
PROCESS_FUNC = "process_func"


@dataclass(frozen=True)
class Manifest:
    """A manifest that lies in a local file."""

    path: Path

    def rows(self, columns: Sequence[str]) -> Iterator[dict[str, Any]]:
        """Streams all rows, kept and dropped, with the named columns."""
        for batch in pq.ParquetFile(self.path).iter_batches(batch_size=BATCH, columns=list(columns)):
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
    """One file of a kept id; `path` is relative to the folder of all ids."""

    path: str
    size: int
    hash: str
    source: str


def write_manifest(
    target: Path,
    *,
    rows: Mapping[str, Mapping[str, Any]],
    kept: Mapping[str, Sequence[FileAtHome]],
    dropped: Mapping[str, str],
) -> Manifest:
    """Writes the manifest in order of guid and path.

    Args:
        target: The Parquet file to write.
        rows: The label row of each id that has one.
        kept: The files at home of each kept id.
        dropped: The reason for each dropped id.
    """
    further = [name for name in next(iter(rows.values()), {}) if name not in ("guid", "label")]
    lines = list(_lines(rows, kept, dropped))
    columns: dict[str, pa.Array] = {
        name: pa.array([line.get(name) for line in lines], kind) for name, kind in COLUMNS.items()
    }
    columns.update({name: pa.array([line.get(name) for line in lines]) for name in further})
    pq.write_table(pa.table(columns), target, row_group_size=BATCH)
    return Manifest(target)


def _lines(
    rows: Mapping[str, Mapping[str, Any]],
    kept: Mapping[str, Sequence[FileAtHome]],
    dropped: Mapping[str, str],
) -> Iterable[dict[str, Any]]:
    for guid in sorted(kept.keys() | dropped.keys()):
        row = {**rows.get(guid, {}), "guid": guid}
        if guid in dropped:
            yield {**row, "dropped": dropped[guid]}
        else:
            yield from ({**row, **vars(file)} for file in sorted(kept[guid], key=lambda file: file.path))
