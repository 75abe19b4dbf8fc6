"""The plan of a division: a Parquet table with a row per id, its group and its files, in order of guid."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from finetune.parquet import open_parquet
from finetune.shards.assign import assign

BATCH = 10_000
FILE = pa.struct([("name", pa.string()), ("size", pa.int64()), ("version", pa.string())])
SCHEMA = pa.schema(
    {
        "guid": pa.string(),
        "group": pa.int32(),
        "key": pa.string(),
        "split": pa.string(),
        "label": pa.string(),
        "files": pa.list_(FILE),
    }
)
ABOUT = b"about"


class File(NamedTuple):
    """A file of an id; `version` changes whenever its content may have changed."""

    name: str
    size: int
    version: str


@dataclass(frozen=True)
class Unit:
    """One id: the files `<folder>/<guid>/<name>` that are encoded together."""

    guid: str
    key: str
    """What keeps ids in one group."""
    files: Sequence[File]
    label: str | None = None
    split: str | None = None

    @property
    def size(self) -> int:
        """Bytes of its files."""
        return sum(file.size for file in self.files)


@dataclass(frozen=True)
class Plan:
    """A plan that lies in a local file."""

    path: Path

    @property
    def about(self) -> dict[str, Any]:
        """What its maker wrote into it."""
        found: dict[str, Any] = json.loads((pq.read_schema(self.path).metadata or {}).get(ABOUT, b"{}"))
        return found

    def units(self, group: int | None = None) -> Iterator[Unit]:
        """Streams the ids of a group, or all, in order of guid."""
        for batch in open_parquet(self.path).iter_batches(batch_size=BATCH):
            for row in batch.to_pylist():
                files = [File(**file) for file in row["files"]]
                if group is None or row["group"] == group:
                    yield Unit(row["guid"], row["key"], files, row["label"], row["split"])

    def table(self, columns: Sequence[str]) -> pa.Table:
        """The named columns in memory."""
        return pq.read_table(self.path, columns=list(columns))


def make_plan(
    units: Callable[[], Iterable[Unit]], *, groups: int, about: Mapping[str, Any], target: Path
) -> tuple[Plan, list[int]]:
    """Assigns ids to groups and writes the plan; gives it with the bytes of each group.

    Args:
        units: Gives all ids in order of guid; called twice, so that they need not be in memory.
        groups: How many groups.
        about: Plain values for the step that merges.
        target: The Parquet file to write.

    Raises:
        PrepareError: There are fewer keys than groups.
    """
    sizes: Counter[str] = Counter()
    for unit in units():
        sizes[unit.key] += unit.size
    assigned = assign(sizes, groups)
    schema = SCHEMA.with_metadata({ABOUT: json.dumps(about, sort_keys=True).encode()})
    with pq.ParquetWriter(target, schema) as writer:
        rows = (
            {**vars(unit), "group": assigned[unit.key], "files": [*map(File._asdict, unit.files)]} for unit in units()
        )
        while batch := list(islice(rows, BATCH)):
            writer.write_table(pa.Table.from_pylist(batch, schema))
    loads = [0] * groups
    for key, group in assigned.items():
        loads[group] += sizes[key]
    return Plan(target), loads
