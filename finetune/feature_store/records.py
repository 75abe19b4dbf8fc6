"""Records of a group: checked against its schema before any is stored. Pure."""

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from finetune.errors import FeatureStoreError
from finetune.feature_store.group import Group, Kind
from finetune.feature_store.moments import moment

Record = dict[str, Any]
"""Value by feature; the event time as `moment` writes it, None for a value that is missing."""

SHOWN = 5
"""Problems that a message names."""
LIMIT = 1 << 63
"""Integral features have 64 bits."""


def checked(group: Group, rows: Iterable[Mapping[str, Any]]) -> list[Record]:
    """The rows as records of the group; all are good, or none is given.

    Args:
        group: The schema.
        rows: Values by column: the identifier, the event time, and features; one that a row lacks is missing.

    Raises:
        FeatureStoreError: A row has no identifier or event time, a value of another type or a column that is no
            feature, or two rows have the same identifier and event time. It names row, column, rule and value.
    """
    records: list[Record] = []
    problems: list[str] = []
    seen: dict[tuple[str, str], int] = {}
    for number, row in enumerate(rows, start=1):
        record, wrong = _record(group, row)
        key = (str(record.get(group.identifier)), str(record.get(group.event_time)))
        if not wrong and seen.setdefault(key, number) != number:
            wrong = [
                f"{group.identifier}: duplicate {key[0]!r} at {key[1]}, as in row {seen[key]}; a record comes once "
                f"at a time"
            ]
        problems += [f"row {number} ({row.get(group.identifier)!r}): {each}" for each in wrong]
        records.append(record)
    if problems:
        more = f"\n  and {len(problems) - SHOWN:,} more" if len(problems) > SHOWN else ""
        listed = "".join(f"\n  {line}" for line in problems[:SHOWN])
        raise FeatureStoreError(
            f"feature group {group.name}: {len(problems):,} values break its schema, so no record was stored; mend "
            f"what computes them, or features.group:{listed}{more}"
        )
    return records


def _record(group: Group, row: Mapping[str, Any]) -> tuple[Record, list[str]]:
    record: Record = {}
    wrong = [f"{name} is no feature of the group" for name in row if name not in group.definitions]
    for name, kind in group.definitions.items():
        try:
            record[name] = _value(group, name, kind, row.get(name))
        except ValueError as error:
            wrong.append(f"{name}: {error}")
    return record, wrong


def _value(group: Group, name: str, kind: Kind, value: object) -> object:
    if name == group.event_time:
        if value is None or value == "":
            raise ValueError("the event time is missing")
        return moment(value)
    if name == group.identifier:
        if value is None or isinstance(value, bool | float) or not str(value).strip():
            raise ValueError(f"must be a text or whole number, but got {value!r}")
        return str(value)
    return _feature(kind, value)


def _feature(kind: Kind, value: object) -> object:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if kind is Kind.STRING and isinstance(value, str):
        return value
    if kind is Kind.INTEGRAL and isinstance(value, int) and not isinstance(value, bool) and -LIMIT <= value < LIMIT:
        return value
    if kind is Kind.FRACTIONAL and isinstance(value, int | float) and not isinstance(value, bool):
        if math.isfinite(value):
            return float(value)
        raise ValueError(f"must be a finite number, but got {value!r}")
    raise ValueError(f"must be {_NAMES[kind]}, but got {value!r} ({type(value).__name__})")


_NAMES = {
    Kind.STRING: "a text",
    Kind.INTEGRAL: "a whole number of at most 64 bits",
    Kind.FRACTIONAL: "a number",
}


def unlike(records: Iterable[Record], there: Iterable[Record | None]) -> Iterator[Record]:
    """Those that differ from what is there of the same identifier at the same time: what is equal is not put again.

    Args:
        records: As `checked` gives them.
        there: For each of them the record that held at its event time; None where none did.
    """
    for record, known in zip(records, there, strict=True):
        if known != record:
            yield record
