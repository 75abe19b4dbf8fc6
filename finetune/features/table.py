"""Writes merged rows as a Parquet table with one name for each spelling, and gathers their statistics."""

from collections.abc import Mapping
from pathlib import Path

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from finetune.artifacts import Features
from finetune.config.features import FeaturesConfig
from finetune.errors import PrepareError
from finetune.features.names import normalised
from finetune.features.statistics import Statistics
from finetune.prepare.columns import GUID

BATCH = 10_000
LABEL = "label"


def write_features(
    rows: datasets.Dataset, labels: Mapping[str, str | None], settings: FeaturesConfig, target: Path
) -> tuple[Features, Statistics]:
    """Streams the rows into a Parquet file, compressed with snappy: guid, label, and what encode_data gave.

    Args:
        rows: In order of guid.
        labels: By guid; without any there is no such column.
        settings: Columns with names, and the one that statistics are told by.
        target: The file to write.

    Raises:
        PrepareError: A column that is named in the config is no text column of the rows.
    """
    aliases = {column: _small(names) for column, names in settings.names.items()}
    if settings.by is not None:
        aliases.setdefault(settings.by, {})
    _refuse_unknown(rows, aliases)
    statistics, named = Statistics(), any(labels.values()) and LABEL not in rows.features
    writer: pq.ParquetWriter | None = None
    try:
        for batch in rows.with_format("arrow").iter(batch_size=BATCH):
            table = _normalised(pa.table(batch), aliases)
            statistics.add(table.column(settings.by).to_pylist() if settings.by else [], _numbers(table))
            if named:
                table = table.add_column(1, LABEL, pa.array([labels[guid] for guid in table[GUID].to_pylist()]))
            writer = writer or pq.ParquetWriter(target, table.schema.remove_metadata(), compression="snappy")
            writer.write_table(table.replace_schema_metadata(None))
    finally:
        if writer is not None:
            writer.close()
    if writer is None:
        raise PrepareError("encode_data gave no row for any id; mend it: it must return None only for ids to leave out")
    return Features(target), statistics


def _small(names: Mapping[str, str]) -> dict[str, str]:
    return {" ".join(other.split()).casefold(): name for other, name in names.items()}


def _refuse_unknown(rows: datasets.Dataset, columns: Mapping[str, object]) -> None:
    texts = [name for name, kind in rows.features.items() if getattr(kind, "dtype", None) == "string"]
    for column in columns:
        if column not in texts:
            raise PrepareError(
                f"features: must name text columns of the rows ({', '.join(texts)}), but got {column!r}; correct it, "
                f"or let get_dataset_features have it"
            )


def _normalised(table: pa.Table, aliases: Mapping[str, Mapping[str, str]]) -> pa.Table:
    for column, names in aliases.items():
        values = [normalised(value, names) for value in table.column(column).to_pylist()]
        table = table.set_column(table.column_names.index(column), column, pa.array(values, pa.string()))
    return table


def _numbers(table: pa.Table) -> dict[str, np.ndarray]:
    numeric = [
        field.name for field in table.schema if pa.types.is_integer(field.type) or pa.types.is_floating(field.type)
    ]
    return {name: table.column(name).to_numpy().astype(np.float64) for name in numeric}
