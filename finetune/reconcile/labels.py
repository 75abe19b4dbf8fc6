"""Reads the labels of production from a database or a file; production is opened read-only."""

import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.csv

from finetune.config.production import LabelsConfig
from finetune.errors import ReconcileError
from finetune.parquet import open_parquet
from finetune.reconcile.columns import NEEDED, check_columns
from finetune.reconcile.database import query_rows
from finetune.reconcile.filled import NO_STORES, Readers, fill
from finetune.reconcile.hiding import hiding
from finetune.storage.storage import storage_of
from finetune.storage.uri import S3Uri, is_s3

BATCH = 10_000

Row = dict[str, Any]


def labels_of(source: LabelsConfig, readers: Readers = NO_STORES, *, with_hash: bool = False) -> Iterator[Row]:
    """Yields the rows of a config's labels; references to secrets are filled in here, and in no message.

    Args:
        source: The config's section.
        readers: Of the secret stores.
        with_hash: Whether the rows keep the column that tells the hash of a file, which process_func does not get.

    Raises:
        ConfigError: A reference cannot be filled in.
        ReconcileError: As `read_labels`.
        UnreachableError: The secret may not be read from here, or the database does not answer.
    """
    filled = fill(source, readers)
    with hiding(filled.secrets):
        for row in read_labels(filled.url, source.query, filled.params, source.file):
            if not with_hash and source.hash is not None:
                row.pop(source.hash, None)
            yield row


def read_labels(url: str | None, query: str | None, params: Mapping[str, str], file: str | None) -> Iterator[Row]:
    """Yields the rows of the label source: guid, label (text or None), and the source's further columns.

    Raises:
        ReconcileError: The source cannot be read, or lacks a needed column.
        UnreachableError: The database does not answer.
    """
    with _here(url if url is not None else file or "") as source:
        rows = query_rows(source, query or "", params) if url is not None else _read_file(source)
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


def _read_file(file: str) -> Iterator[Row]:
    try:
        with _opened(file) as source:
            names = source.schema.names
            check_columns(names, f"production.labels.file {file}", _advice(names))
            for batch in source.batches:
                yield from batch.to_pylist()
    except FileNotFoundError as error:  # what pyarrow says of it is long and says it three times
        raise ReconcileError(f"production.labels.file: the file {file} does not exist; correct the path") from error
    except (OSError, pa.ArrowException, UnicodeDecodeError) as error:
        told = _undecoded(file) if file.endswith(".csv") and "UTF8" in str(error) else error
        raise ReconcileError(f"production.labels.file: cannot read {file}: {told}; correct the path or file") from error


def _undecoded(file: str) -> str:
    """The first line that is not UTF-8, which pyarrow does not tell."""
    with Path(file).open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                line.decode()
            except UnicodeDecodeError as error:
                where = f"{line[error.start : error.end]!r} at byte {error.start + 1}"
                return f"line {number} is not UTF-8 ({where}): save the file as UTF-8"
    return "it is not UTF-8: save it as such"


class _Opened(NamedTuple):
    schema: pa.Schema
    batches: Iterable[pa.RecordBatch]


@contextmanager
def _opened(file: str) -> Iterator[_Opened]:
    """A Parquet file is streamed. A CSV file is read whole, as Arrow: only its last line may say a column's type."""
    if file.endswith(".parquet"):
        with open_parquet(file) as table:
            yield _Opened(table.schema_arrow, table.iter_batches(BATCH))
        return
    text_columns = {name: pa.string() for name in NEEDED}  # a guid such as 007 keeps its zeros
    # only an empty field is null: NA may well be a label
    options = pa.csv.ConvertOptions(column_types=text_columns, strings_can_be_null=True, null_values=[""])
    read = pa.csv.read_csv(file, convert_options=options)
    yield _Opened(read.schema, read.to_batches(max_chunksize=BATCH))


def _advice(columns: list[str]) -> str:
    """What to do about a file that lacks a column."""
    if len(columns) == 1 and any(separator in columns[0] for separator in ";\t"):
        return "the values must be separated by commas"
    return "rename the columns"
