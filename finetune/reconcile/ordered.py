"""Rows on disk in order of guid, however they came: parts follow each other, and each is sorted in memory."""

import bisect
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from finetune.reconcile.spill import Parts, Spill, parts_for

SAMPLE = 100
"""Of so many rows one says where parts begin."""


class Ordered(Parts):
    """Rows whose first column is a guid, in parts that begin at given guids."""

    def __init__(self, folder: Path, schema: pa.Schema, cuts: Sequence[str]) -> None:
        super().__init__(folder, schema, len(cuts) + 1)
        self._cuts = cuts

    def put(self, rows: pa.Table) -> None:
        """Puts each row into its part."""
        self.add(rows, [bisect.bisect_right(self._cuts, guid) for guid in rows.column(0).to_pylist()])

    def tuples(self) -> Iterator[tuple[Any, ...]]:
        """Streams the rows in order of their values."""
        for part in self.spills():
            yield from sorted(part.tuples())


class InStep:
    """Looks up ascending guids in rows that are in order of guid: (guid, value), each guid once."""

    def __init__(self, rows: Iterable[tuple[Any, ...]]) -> None:
        self._rows = iter(rows)
        self._next = next(self._rows, None)

    def get(self, guid: str) -> str | None:
        """The guid's value; None if it has none."""
        while self._next is not None and self._next[0] < guid:
            self._next = next(self._rows, None)
        return str(self._next[1]) if self._next is not None and self._next[0] == guid else None


def cuts_of(spills: Sequence[Spill], part_rows: int) -> list[str]:
    """The guids, of all but the first, at which parts of about equal size begin."""
    sample = sorted(
        guid for spill in spills for table in spill.read() for guid in table.column(0)[::SAMPLE].to_pylist()
    )
    count = parts_for(sum(spill.rows for spill in spills), part_rows)
    return sorted({sample[len(sample) * number // count] for number in range(1, count)})
