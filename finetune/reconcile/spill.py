"""Rows on disk in the order in which they came, because they do not fit in memory; whole, or in parts that do fit."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

ROWS = 25_000
"""Rows of a part: as Python objects they take some ten megabytes."""
MOST_PARTS = 1_000
"""Beyond 25 million rows parts become larger: with more of them too few rows at a time would go into each."""
GATHERED = 50_000
"""Rows that are spread over parts at a time."""
_OPTIONS = pa.ipc.IpcWriteOptions(compression="lz4")


class Spill:
    """Rows in a file of their own, which is open only while some are added: there may be many spills at a time."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self.schema, self.rows = schema, 0
        self._path = path

    def add(self, rows: pa.Table) -> None:
        """Appends rows of the spill's schema."""
        with self._path.open("ab") as file, pa.ipc.new_stream(file, self.schema, options=_OPTIONS) as writer:
            writer.write_table(rows)
        self.rows += rows.num_rows

    def extend(self, columns: Sequence[Sequence[object]]) -> None:
        """Appends rows that are given as columns of Python values."""
        self.add(to_table(columns, self.schema))

    def read(self) -> Iterator[pa.Table]:
        """Streams the rows in the order in which they were added."""
        if not self.rows:
            return
        with pa.OSFile(str(self._path)) as file:
            while file.tell() < file.size():  # each time that rows were added a stream of its own begins
                yield pa.ipc.open_stream(file).read_all()

    def tuples(self) -> Iterator[tuple[Any, ...]]:
        """Streams the rows as tuples."""
        for table in self.read():
            yield from zip(*(column.to_pylist() for column in table.columns), strict=True)


class Parts:
    """Rows in numbered parts; within a part they stay in the order in which they were added."""

    def __init__(self, folder: Path, schema: pa.Schema, count: int) -> None:
        folder.mkdir()
        self.count = count
        self._spills = [Spill(folder / str(number), schema) for number in range(count)]
        self._rows: list[pa.Table] = []
        self._numbers: list[int] = []

    def add(self, rows: pa.Table, numbers: Sequence[int]) -> None:
        """Puts each row into the part that `numbers` says of it."""
        self._rows.append(rows)
        self._numbers += numbers
        if len(self._numbers) >= GATHERED:
            self._spread()

    def spills(self) -> list[Spill]:
        """The parts, once all rows were added."""
        self._spread()
        return self._spills

    def _spread(self) -> None:
        if not self._numbers:
            return
        where = np.asarray(self._numbers, np.int64)
        rows, start = pa.concat_tables(self._rows).take(np.argsort(where, kind="stable")), 0
        self._rows, self._numbers = [], []
        for part, size in zip(self._spills, np.bincount(where, minlength=self.count).tolist(), strict=True):
            if size:
                part.add(rows.slice(start, size))
                start += size


def to_table(columns: Sequence[Sequence[object]], schema: pa.Schema) -> pa.Table:
    """A table of columns of Python values."""
    arrays = [pa.array(values, kind) for values, kind in zip(columns, schema.types, strict=True)]
    return pa.Table.from_arrays(arrays, schema=schema)


def parts_for(rows: int, part_rows: int = ROWS) -> int:
    """Into how many parts so many rows go."""
    return max(1, min(MOST_PARTS, -(-rows // part_rows)))


def regrouped(tables: Iterable[pa.Table], rows: int) -> Iterator[pa.Table]:
    """The same rows in tables of exactly so many rows; only the last may be shorter."""
    waiting: list[pa.Table] = []
    count = 0
    for table in tables:
        waiting.append(table)
        count += table.num_rows
        if count >= rows:
            whole, start = pa.concat_tables(waiting), 0
            for start in range(0, count - rows + 1, rows):
                yield whole.slice(start, rows).combine_chunks()
            rest = whole.slice(start + rows).combine_chunks()
            waiting, count = [rest], rest.num_rows
    if count:
        yield pa.concat_tables(waiting).combine_chunks()
