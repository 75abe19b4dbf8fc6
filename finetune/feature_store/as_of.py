"""Point-in-time: of each wanted identifier the record that held at the wanted time. Reads nothing but what it gets.

The same query text serves DuckDB, on tables in memory, and Athena, on the offline store in AWS.
"""

from collections.abc import Sequence

import pyarrow as pa

from finetune.feature_store.group import Group
from finetune.feature_store.records import Record

Wanted = tuple[str, str]
"""An identifier, and the time at which its record is wanted, as `moment` writes it."""

QUERY = """\
SELECT {columns}
FROM (
  SELECT wanted.wanted_place, history.*, row_number() OVER (
    PARTITION BY wanted.wanted_place
    ORDER BY {event_time} DESC, history.write_time DESC, history.api_invocation_time DESC
  ) AS newest_first
  FROM {wanted} AS wanted
  JOIN {history} AS history ON history.{identifier} = wanted.identifier AND {event_time} <= {moment}
) AS candidates
WHERE newest_first = 1 AND NOT is_deleted
ORDER BY wanted_place"""
"""Of the records that do not come after the wanted time the newest; of those of the same event time the one that was
written last. One that was deleted then is none."""


def as_of(group: Group, history: pa.Table, wanted: Sequence[Wanted]) -> list[Record | None]:
    """For each wanted identifier and time the record that held then; None where there was none.

    Args:
        group: The schema.
        history: All records of these identifiers, in the offline layout's columns.
        wanted: In any order; an identifier may come several times.
    """
    found: list[Record | None] = [None] * len(wanted)
    if not wanted or not len(history):
        return found
    table = pa.table(
        {
            "wanted_place": pa.array(range(len(wanted)), pa.int64()),
            "identifier": pa.array([identifier for identifier, _ in wanted], pa.string()),
            "moment": pa.array([moment for _, moment in wanted], pa.string()),
        }
    )
    import duckdb  # here, because every step of a pipeline imports this module, and few ask

    with duckdb.connect(config={"autoinstall_known_extensions": "false"}) as connection:
        connection.register("wanted", table)
        connection.register("history", history)
        rows = connection.execute(_query(group, "wanted", "history", "CAST({} AS TIMESTAMP)")).fetchall()
    for place, *values in rows:
        found[place] = dict(zip(group.definitions, values, strict=True))
    return found


def athena_query(group: Group, *, history: str, wanted: str) -> str:
    """The same for Athena.

    Args:
        group: The schema.
        history: Table of the Glue catalog that SageMaker keeps for the group.
        wanted: A table with the columns wanted_place, identifier and moment.
    """
    return _query(group, wanted, history, "from_iso8601_timestamp({})")


def _query(group: Group, wanted: str, history: str, time: str) -> str:
    columns = ", ".join(["wanted_place", *(quoted(name) for name in group.definitions)])
    return QUERY.format(
        columns=columns,
        wanted=wanted,
        history=history,
        identifier=quoted(group.identifier),
        event_time=time.format(f"history.{quoted(group.event_time)}"),
        moment=time.format("wanted.moment"),
    )


def quoted(name: str) -> str:
    """A column's name in a query."""
    return '"' + name.replace('"', '""') + '"'
