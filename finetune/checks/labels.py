"""Checks the label rows against a schema: types, nulls and allowed values, by pandera."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from finetune.config.checks import ColumnConfig
from finetune.parquet import open_parquet
from finetune.reconcile.snapshot import Snapshot

if TYPE_CHECKING:
    from pandera.pandas import DataFrameSchema

ROWS = 50_000
KINDS: dict[str, tuple[Callable[[Any], bool], ...]] = {
    "text": (pa.types.is_string, pa.types.is_large_string),
    "integer": (pa.types.is_integer,),
    "number": (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal),
    "boolean": (pa.types.is_boolean,),
    "date": (pa.types.is_date, pa.types.is_timestamp),
}
RULES = {"not_nullable": "has no value", "allowed": "is not among the allowed values"}


@dataclass(frozen=True)
class Broken:
    """What breaks the schema."""

    rows: int
    """All label rows."""
    ids: list[str]
    """The id of each row that breaks it, in order."""
    rules: dict[str, int]
    """How many rows break each rule, in words."""


def check_labels(production: Snapshot, columns: Mapping[str, ColumnConfig]) -> Broken:
    """Checks each label row that production has.

    Args:
        production: The label rows.
        columns: What each column must hold; one that is missing breaks every row.
    """
    file = open_parquet(production.path)
    there = {name: column for name, column in columns.items() if name in file.schema_arrow.names}
    wanted = list(dict.fromkeys(["guid", "labelled", *there]))
    schema = _schema(there)
    rules: Counter[str] = Counter()
    ids: list[str] = []
    total = 0
    for batch in file.iter_batches(batch_size=ROWS, columns=wanted):
        table = pa.table(batch).filter(batch.column("labelled"))
        guids: list[str] = table.column("guid").to_pylist()
        found = _broken(table, schema) if len(table) else []
        total += len(table)
        rules.update(rule for _, rule in found)
        ids += guids if len(there) < len(columns) else [guids[row] for row in sorted({row for row, _ in found})]
    rules.update({f"{name} is no column of the labels": total for name in columns if name not in there})
    return Broken(total, ids, dict(rules))


def _broken(table: pa.Table, schema: "DataFrameSchema") -> list[tuple[int, str]]:
    """Row and rule of each value that breaks the schema."""
    import pandas as pd  # type: ignore[import-untyped]
    from pandera.errors import SchemaErrors

    try:
        schema.validate(table.to_pandas(types_mapper=pd.ArrowDtype), lazy=True)
    except SchemaErrors as errors:
        cases = errors.failure_cases
        return [
            (int(row), f"{column} {RULES.get(rule, rule)}")
            for row, column, rule in zip(cases["index"], cases["column"], cases["check"], strict=True)
        ]
    return []


def _schema(columns: Mapping[str, ColumnConfig]) -> "DataFrameSchema":
    from pandera.pandas import Column, DataFrameSchema  # it takes two seconds to import, with pandas

    return DataFrameSchema(
        {name: Column(nullable=column.nulls, checks=list(_checks(column))) for name, column in columns.items()}
    )


def _checks(column: ColumnConfig) -> Iterator[Any]:
    from pandera.pandas import Check

    if column.allowed is not None:
        yield Check.isin(column.allowed, name="allowed", error="allowed")
    if column.type is not None:
        kinds, rule = KINDS[column.type], f"is not of type {column.type}"

        def is_of_kind(values: Any) -> Any:
            kind = values.dtype.pyarrow_dtype
            return values.isna() | any(is_kind(kind) for is_kind in kinds)

        yield Check(is_of_kind, name=rule, error=rule)
