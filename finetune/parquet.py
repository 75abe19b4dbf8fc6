"""Parquet files that are too large for memory."""

from pathlib import Path

import pyarrow.parquet as pq


def open_parquet(path: Path | str) -> pq.ParquetFile:
    """Opens a file whose batches are streamed: by default pyarrow keeps all that it has read until the last batch.

    Raises:
        FileNotFoundError: There is no such file.
        pyarrow.ArrowException: It is no Parquet.
    """
    return pq.ParquetFile(path, pre_buffer=False)
