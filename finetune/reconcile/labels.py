"""Reads the labels of production from a database or a file; production is opened read-only."""

import os
from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from finetune.errors import ReconcileError

NEEDED = ("guid", "label")
BATCH = 10_000

Row = dict[str, Any]


def read_labels(url: str | None, query: str | None, params: Mapping[str, str], file: str | None) -> Iterator[Row]:
    """Yields the rows of the label source: guid, label (text or None), and the source's further columns.

    Raises:
        ReconcileError: The source cannot be reached or read, or lacks a needed column.
    """
    rows = _query(url, query or "", params) if url is not None else _read_file(file or "")
    for row in rows:
        yield {**row, "guid": _text(row["guid"]) or "", "label": _text(row["label"])}


def _text(value: Any) -> str | None:
    return None if value is None or value != value else str(value).strip() or None  # NaN is a missing label too


def _query(url: str, query: str, params: Mapping[str, str]) -> Iterator[Row]:
    try:
        address = make_url(url)
    except ArgumentError as error:
        raise ReconcileError("production.labels.url: is no SQLAlchemy URL such as sqlite:///labels.db") from error
    shown = address.render_as_string(hide_password=True)
    try:
        engine = create_engine(_read_only(address))
        with engine.connect() as connection:
            yield from _rows(connection, query, params, shown)
    except ModuleNotFoundError as error:
        raise ReconcileError(
            f"production.labels.url: {shown} needs the Python package {error.name}; install it"
        ) from error
    except SQLAlchemyError as error:
        cause = getattr(error, "orig", None) or error
        raise ReconcileError(
            f"production.labels: cannot read {shown}: {cause}; check production.labels.url and production.labels.query"
        ) from error


def _rows(connection: Connection, query: str, params: Mapping[str, str], shown: str) -> Iterator[Row]:
    result = connection.execution_options(stream_results=True, yield_per=BATCH).execute(text(query), dict(params))
    if not result.returns_rows:
        raise ReconcileError("production.labels.query: must be a SELECT that returns rows")
    _check_columns(list(result.keys()), f"production.labels.query on {shown}")
    for row in result.mappings():
        yield dict(row)


def _read_only(url: URL) -> URL:
    """A SQLite file is opened read-only: plain SQLite would create a missing one."""
    if url.get_backend_name() != "sqlite" or not url.database or url.database.startswith("file:"):
        return url
    if not os.path.isfile(url.database):
        raise ReconcileError(f"production.labels.url: there is no SQLite database {url.database}; correct the path")
    return url.set(database=f"file:{url.database}", query={"mode": "ro", "uri": "true"})


def _read_file(file: str) -> Iterator[Row]:
    try:
        for batch in _batches(file):
            _check_columns(batch.schema.names, f"production.labels.file {file}")
            yield from batch.to_pylist()
    except (OSError, pa.ArrowInvalid) as error:
        raise ReconcileError(
            f"production.labels.file: cannot read {file}: {error}; correct the path or file"
        ) from error


def _batches(file: str) -> Iterator[pa.RecordBatch]:
    if file.endswith(".parquet"):
        return pa.parquet.ParquetFile(file).iter_batches(batch_size=BATCH)
    text_columns = {name: pa.string() for name in NEEDED}  # a guid such as 007 keeps its zeros
    options = pa.csv.ConvertOptions(column_types=text_columns, strings_can_be_null=True)
    return iter(pa.csv.open_csv(file, convert_options=options))


def _check_columns(columns: list[str], source: str) -> None:
    missing = [name for name in NEEDED if name not in columns]
    if missing:
        raise ReconcileError(
            f"{source}: must return the columns guid and label, but {' and '.join(missing)} is missing "
            f"(got {', '.join(columns)}); name them with AS"
        )
