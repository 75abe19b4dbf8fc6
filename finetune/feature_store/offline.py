"""The offline layout of SageMaker Feature Store: Parquet files below folders of the hour of their records' event time.

`<group>-<seconds>/data/year=2026/month=11/day=22/hour=00/20261122T000000Z_<16 characters>.parquet`, with the features
and the columns write_time, api_invocation_time and is_deleted.
"""

import secrets
import string
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from finetune.feature_store.as_of import quoted
from finetune.feature_store.group import OWN, Group, Kind
from finetune.feature_store.moments import moment
from finetune.feature_store.records import Record

TYPES = {Kind.STRING: pa.string(), Kind.INTEGRAL: pa.int64(), Kind.FRACTIONAL: pa.float64()}
TIME = pa.timestamp("us")
RANDOM = string.ascii_letters + string.digits


class Counts(NamedTuple):
    """What a group holds."""

    records: int
    """Identifiers whose newest record is not deleted."""
    history: int
    """Records of all times."""
    newest_event: str | None
    """Event time of the newest record."""
    last_write: str | None
    """When the last one was written, UTC."""


def schema_of(group: Group) -> pa.Schema:
    """The columns of a file."""
    own = zip(OWN, (TIME, TIME, pa.bool_()), strict=True)
    return pa.schema([*((name, TYPES[kind]) for name, kind in group.definitions.items()), *own])


def tables(group: Group, records: Iterable[Record], *, deleted: bool = False) -> Iterator[tuple[str, pa.Table]]:
    """Yields the path below the group's folder and the rows of each file; a name is used once.

    Args:
        group: The schema.
        records: As `checked` gives them; with api_invocation_time if the call that brought them is not this one.
        deleted: Whether they are deletions.
    """
    now = datetime.now(UTC).replace(tzinfo=None)
    hours: defaultdict[str, list[Record]] = defaultdict(list)
    for record in records:
        hours[moment(record[group.event_time])[:13]].append(record)
    schema = schema_of(group)
    for hour, rows in sorted(hours.items()):
        own = {"write_time": now, "api_invocation_time": now, "is_deleted": deleted}
        arrays = [pa.array([{**own, **row}[field.name] for row in rows], field.type) for field in schema]
        yield path_of(hour), pa.Table.from_arrays(arrays, schema=schema)


def path_of(hour: str) -> str:
    """The path of a new file for records of an hour such as 2026-11-22T00."""
    day, _, of_day = hour.partition("T")
    year, month, of_month = day.split("-")
    name = "".join(secrets.choice(RANDOM) for _ in range(16))
    folder = f"data/year={year}/month={month}/day={of_month}/hour={of_day}"
    return f"{folder}/{year}{month}{of_month}T{of_day}0000Z_{name}.parquet"


def needed(files: Iterable[str], until: str) -> list[str]:
    """The files, by their paths below data/, that may have records up to a moment; in order."""
    hour = until[:13]
    return sorted(file for file in files if file.endswith(".parquet") and _hour_of(file) <= hour)


def _hour_of(file: str) -> str:
    """The hour that its folders name, 2026-11-22T00; of folders that name none, one before all others."""
    parts = dict(part.split("=", 1) for part in file.split("/")[:-1] if "=" in part)
    if not {"year", "month", "day", "hour"} <= parts.keys():
        return ""
    return f"{parts['year']}-{parts['month']}-{parts['day']}T{parts['hour']}"


def read_history(group: Group, files: Sequence[Path], identifiers: Sequence[str] | None = None) -> pa.Table:
    """The rows of these files with the columns of the group, of all identifiers or of some; none without files."""
    if not files:
        return schema_of(group).empty_table()
    names = schema_of(group).names
    chosen = "" if identifiers is None else f"WHERE {quoted(group.identifier)} IN (SELECT identifier FROM wanted)"
    read = "read_parquet($files, hive_partitioning=false, union_by_name=true)"  # a feature may have come later
    query = f"SELECT {', '.join(map(quoted, names))} FROM {read} {chosen}"
    import duckdb

    with duckdb.connect(config={"autoinstall_known_extensions": "false"}) as connection:
        if identifiers is not None:
            connection.register("wanted", pa.table({"identifier": pa.array(sorted(set(identifiers)), pa.string())}))
        return connection.sql(query, params={"files": [str(file) for file in files]}).to_arrow_table()


def counts_of(group: Group, history: pa.Table) -> Counts:
    """Counts and freshness of a group, from all of its records."""
    identifier, event_time = quoted(group.identifier), quoted(group.event_time)
    query = f"""
        SELECT count(*) FILTER (NOT deleted), coalesce(sum(rows), 0), max(event), max(written) FROM (
          SELECT count(*) AS rows, max({event_time}) AS event, max(write_time) AS written,
            arg_max(is_deleted, ({event_time}, write_time, api_invocation_time)) AS deleted
          FROM history GROUP BY {identifier})"""
    import duckdb

    with duckdb.connect(config={"autoinstall_known_extensions": "false"}) as connection:
        connection.register("history", history)
        records, rows, event, written = connection.execute(query).fetchone() or (0, 0, None, None)
    return Counts(records, int(rows), event, None if written is None else f"{written:%Y-%m-%dT%H:%M:%SZ}")


def write_file(table: pa.Table, target: Path) -> None:
    """Writes one file; it appears whole."""
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_suffix(".part")
    pq.write_table(table, part, compression="snappy")
    part.replace(target)
