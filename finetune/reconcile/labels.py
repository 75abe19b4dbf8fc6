"""Reads the labels of production from a database or a file; production is opened read-only."""

import os
import tempfile
import urllib.parse
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from finetune.config.production import LabelsConfig
from finetune.errors import ReconcileError
from finetune.reconcile.answering import check_answers
from finetune.reconcile.filled import NO_STORES, Readers, fill
from finetune.reconcile.hiding import hiding
from finetune.storage.storage import storage_of
from finetune.storage.uri import S3Uri, is_s3

NEEDED = ("guid", "label")
BATCH = 10_000

Row = dict[str, Any]


def labels_of(source: LabelsConfig, readers: Readers = NO_STORES) -> Iterator[Row]:
    """Yields the rows of a config's labels; references to secrets are filled in here, and in no message.

    Args:
        source: The config's section.
        readers: Of the secret stores.

    Raises:
        ConfigError: A reference cannot be filled in.
        ReconcileError: As `read_labels`.
        UnreachableError: The secret may not be read from here, or the database does not answer.
    """
    filled = fill(source, readers)
    with hiding(filled.values):
        yield from read_labels(filled.url, source.query, filled.params, source.file)


def read_labels(url: str | None, query: str | None, params: Mapping[str, str], file: str | None) -> Iterator[Row]:
    """Yields the rows of the label source: guid, label (text or None), and the source's further columns.

    Raises:
        ReconcileError: The source cannot be read, or lacks a needed column.
        UnreachableError: The database does not answer.
    """
    with _here(url if url is not None else file or "") as source:
        rows = _query(source, query or "", params) if url is not None else _read_file(source)
        for row in rows:
            yield {**row, "guid": _text(row["guid"]) or "", "label": _text(row["label"])}


@contextmanager
def _here(source: str) -> Iterator[str]:
    """A database or file of labels in S3 as one of this machine, where it lies as long as it is read."""
    if not is_s3(source):
        yield source
        return
    place = S3Uri.parse(source)
    with tempfile.TemporaryDirectory(prefix="labels-") as folder:
        target = Path(folder, place.name or "labels")
        storage_of(place).fetch(source, target)
        yield str(target) if target.suffix in (".csv", ".parquet") else f"sqlite:///{target}"


def _text(value: Any) -> str | None:
    if value is None or value != value:  # NaN is a missing label too
        return None
    text = value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else str(value)
    return text.strip() or None


def _query(url: str, query: str, params: Mapping[str, str]) -> Iterator[Row]:
    address = _address(url)
    shown = address.set(query={}).render_as_string(hide_password=True)  # a password may stand among the options too
    try:
        with _connect(_read_only(address), shown) as connection:
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


def _address(url: str) -> URL:
    try:
        return make_url(url)
    except (ArgumentError, ValueError):  # a ValueError shows a part of the URL, perhaps of its password
        raise ReconcileError(
            "production.labels.url: must be a SQLAlchemy URL such as sqlite:///labels.db or "
            "postgresql://user:${env:PASSWORD}@host:5432/name; where the whole URL is one reference, write special "
            "characters of its password as %40 and so on"
        ) from None


def _connect(address: URL, shown: str) -> Connection:
    try:
        engine = create_engine(address, poolclass=NullPool, hide_parameters=True)
        check_answers(address, shown)
        return engine.connect()
    except (TypeError, ValueError, RuntimeError) as error:  # how drivers refuse an option that they do not know
        raise ReconcileError(f"production.labels.url: cannot connect to {shown}: {error}") from error


def _rows(connection: Connection, query: str, params: Mapping[str, str], shown: str) -> Iterator[Row]:
    result = connection.execution_options(stream_results=True, yield_per=BATCH).execute(text(query), dict(params))
    if not result.returns_rows:
        raise ReconcileError("production.labels.query: must be a SELECT that returns rows")
    advice = "name them with AS in the query"
    _check_columns(list(result.keys()), f"production.labels.query on {shown}", advice)
    for row in result.mappings():
        yield dict(row)


def _read_only(url: URL) -> URL:
    """A SQLite file is opened read-only: plain SQLite would create a missing one."""
    if url.get_backend_name() != "sqlite" or not url.database:
        return url
    if not url.database.startswith("file:"):
        if not os.path.isfile(url.database):
            raise ReconcileError(f"production.labels.url: there is no SQLite database {url.database}; correct the path")
        url = url.set(database=f"file:{urllib.parse.quote(os.path.abspath(url.database))}")
    return url.update_query_dict({"mode": "ro", "uri": "true"})


def _read_file(file: str) -> Iterator[Row]:
    try:
        table = _table(file)
        _check_columns(table.column_names, f"production.labels.file {file}", _advice(table.column_names))
        for batch in table.to_batches(max_chunksize=BATCH):
            yield from batch.to_pylist()
    except FileNotFoundError as error:  # what pyarrow says of it is long and says it three times
        raise ReconcileError(f"production.labels.file: the file {file} does not exist; correct the path") from error
    except (OSError, pa.ArrowException, UnicodeDecodeError) as error:
        raise ReconcileError(
            f"production.labels.file: cannot read {file}: {error}; correct the path or file"
        ) from error


def _table(file: str) -> pa.Table:
    if file.endswith(".parquet"):
        return pa.parquet.read_table(file)
    text_columns = {name: pa.string() for name in NEEDED}  # a guid such as 007 keeps its zeros
    # only an empty field is null: NA may well be a label
    options = pa.csv.ConvertOptions(column_types=text_columns, strings_can_be_null=True, null_values=[""])
    return pa.csv.read_csv(file, convert_options=options)


def _advice(columns: list[str]) -> str:
    """What to do about a file that lacks a column."""
    if len(columns) == 1 and any(separator in columns[0] for separator in ";\t"):
        return "the values must be separated by commas"
    return "rename the columns"


def _check_columns(columns: list[str], source: str, advice: str) -> None:
    missing = [name for name in NEEDED if name not in columns]
    if missing:
        raise ReconcileError(
            f"{source}: must have the columns guid and label, but {' and '.join(missing)} "
            f"{'is' if len(missing) == 1 else 'are'} missing (got {', '.join(columns)}); {advice}"
        )
    repeated = sorted({name for name in columns if columns.count(name) > 1})
    if repeated:
        raise ReconcileError(
            f"{source}: returns {' and '.join(repeated)} more than once; leave out or rename all but one"
        )
