"""Checks the label rows against a schema: types, nulls and allowed values, by pandera."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa

from finetune.checks.finding import EXAMPLES
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


class Rule(NamedTuple):
    """How many rows break a rule, and the id of the first."""

    rows: int
    first: str


@dataclass(frozen=True)
class Broken:
    """What breaks the schema."""

    rows: int
    """All label rows."""
    broken: int
    """Rows that break it."""
    ids: list[str]
    """The ids of the first of these, at most EXAMPLES, in order."""
    rules: dict[str, Rule]
    """Each rule that is broken, in words."""


def check_labels(production: Snapshot, columns: Mapping[str, ColumnConfig]) -> Broken:
    """Checks each label row that production has.

    Args:
        production: The label rows.
        columns: What each column must hold; one that is missing breaks every row.
    """
    file = open_parquet(production.path)
    there = {name: column for name, column in columns.items() if name in file.schema_arrow.names}
    absent = [name for name in columns if name not in there]
    wanted = list(dict.fromkeys(["guid", "labelled", *there]))
    schema = _schema(there)
    rules, ids = dict[str, Rule](), list[str]()
    total = broken = 0
    for batch in file.iter_batches(batch_size=ROWS, columns=wanted):
        table = pa.table(batch).filter(batch.column("labelled"))
        guids: list[str] = table.column("guid").to_pylist()
        found = _broken(table, schema) if len(table) else []
        total += len(table)
        found += [(row, f"{name} is no column of the labels") for name in absent for row in range(len(table))]
        for row, rule in found:
            known = rules.get(rule, Rule(0, guids[row]))
            rules[rule] = known._replace(rows=known.rows + 1)
        rows = sorted({row for row, _ in found})
        broken += len(rows)
        ids += [guids[row] for row in rows[: EXAMPLES - len(ids)]]
    return Broken(total, broken, ids, rules)


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
