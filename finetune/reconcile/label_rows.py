"""Label rows on their way into a snapshot: on disk, with the types of their columns."""

import pickle
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import pyarrow as pa

from finetune.errors import ReconcileError
from finetune.reconcile.hash_column import digest_of
from finetune.reconcile.spill import Spill

BATCH = 5_000
"""Rows that are in memory as objects."""
RESERVED = ("labelled", "files", "told", "path", "size", "hash", "hash_from", "source", "dropped")
_SCHEMA = pa.schema([("guid", pa.string()), ("label", pa.string()), ("told", pa.string()), ("more", pa.binary())])

T = TypeVar("T")


class LabelRow(NamedTuple):
    """A row of the labels."""

    guid: str
    label: str | None
    told: str | None
    """The hash of the id's file that the labels tell."""
    more: Sequence[Any]
    """Values of the further columns."""

    def key(self) -> tuple[str, str, list[str], str]:
        """All values, because rows of one guid and label may differ in the rest, and a database gives them anyhow."""
        return self.guid, self.label or "", [str(value) for value in self.more], self.told or ""


class LabelRows:
    """The rows as a source gave them; what they are of is known only after the last."""

    def __init__(self, path: Path, hash_column: str | None) -> None:
        self.types: dict[str, pa.DataType] = {}
        """Of the further columns."""
        self.spill = Spill(path, _SCHEMA)
        self._hash_column = hash_column
        self._seen: dict[str, set[str]] = {}

    def add(self, rows: Iterable[dict[str, Any]]) -> None:
        """Takes all rows.

        Raises:
            ReconcileError: There are none, or a column is absent, has a name that is taken, or cannot be stored.
        """
        for batch in chunks(rows, BATCH):
            if not self.spill.rows:
                self._begin(list(batch[0]))
            self._add(batch)
        if not self.spill.rows:
            raise ReconcileError("production.labels: returned no rows; check the query or file")

    def column(self, name: str, values: list[Any]) -> pa.Array:
        """The values of a further column in the type that all its values have in common."""
        return self._converted(name, values, self.types[name])

    def _begin(self, columns: list[str]) -> None:
        if self._hash_column is not None and self._hash_column not in columns:
            raise ReconcileError(
                f"production.labels.hash: must be a column of the labels, but got {self._hash_column} (the columns are "
                f"{', '.join(columns)}); correct the name, or add the column to the query"
            )
        further = [name for name in columns if name not in ("guid", "label", self._hash_column)]
        clash = sorted(set(further) & set(RESERVED))
        if clash:
            raise ReconcileError(
                f"production.labels: the column name {clash[0]} is taken; rename it in the query with AS"
            )
        self.types = dict.fromkeys(further, pa.null())
        self._seen = {name: set() for name in further}

    def _add(self, batch: list[dict[str, Any]]) -> None:
        for name in self.types:
            self._learn(name, [row[name] for row in batch])
        column = self._hash_column
        told = [digest_of(row[column], row["guid"], column) for row in batch] if column else [None] * len(batch)
        self.spill.extend(
            [
                [row["guid"] for row in batch],
                [row["label"] for row in batch],
                [None if digest is None else str(digest) for digest in told],
                [pickle.dumps([row[name] for name in self.types]) if self.types else None for row in batch],
            ]
        )

    def _learn(self, name: str, values: list[Any]) -> None:
        self._seen[name].update(type(value).__name__ for value in values if value is not None)
        kinds = [pa.schema([(name, kind)]) for kind in (self.types[name], self._converted(name, values).type)]
        try:
            self.types[name] = pa.unify_schemas(kinds, promote_options="permissive").field(name).type
        except pa.ArrowException as error:
            raise self._mixed(name) from error

    def _converted(self, name: str, values: list[Any], kind: pa.DataType | None = None) -> pa.Array:
        try:
            return pa.array(values, kind)
        except (pa.ArrowException, OverflowError, ValueError) as error:
            raise self._mixed(name) from error

    def _mixed(self, name: str) -> ReconcileError:
        return ReconcileError(
            f"production.labels: the column {name} cannot be stored, because its values are of type "
            f"{' and '.join(sorted(self._seen[name]))}; leave it out, or make it one plain type, in a query with "
            f"CAST({name} AS TEXT) AS {name}"
        )


def rows_in(table: pa.Table) -> list[LabelRow]:
    """The rows of a part of the spill."""
    guid, label, told, more = (column.to_pylist() for column in table.columns)
    values = [pickle.loads(each) if each is not None else () for each in more]
    return [LabelRow(*row) for row in zip(guid, label, told, values, strict=True)]


def chunks(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """The items in lists of `size`; only the last may be shorter."""
    rest = iter(items)
    while chunk := list(islice(rest, size)):
        yield chunk
