"""Writes a Parquet table as its rows come; the same rows give the same bytes, however they were cut."""

from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from finetune.reconcile.spill import regrouped

GROUP = 10_000
"""Rows of a row group."""


def write_table(target: Path, schema: pa.Schema, tables: Iterable[pa.Table]) -> None:
    """Writes tables of this schema as one; memory holds a row group."""
    with pq.ParquetWriter(target, schema) as writer:
        for group in regrouped(tables, GROUP):
            writer.write_table(group)
