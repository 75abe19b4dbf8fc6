"""A few records of a feature group as files, on which the functions are tried before a run."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain, islice
from pathlib import Path
from typing import Any

from finetune.config.experiment import ExperimentConfig
from finetune.config.production import RECORD

ROWS = 200

Rows = Iterator[dict[str, Any]]


@contextmanager
def few_records(config: ExperimentConfig, rows: Rows) -> Iterator[tuple[Rows, str]]:
    """Gives the label rows again, and a folder with the records of the first of them; it is removed afterwards.

    Raises:
        FeatureStoreError: The group is absent, or the rows lack its identifier or event time.
    """
    from finetune.feature_store.fetched import records_of, text_of
    from operators.stores import feature_store

    store, first = feature_store(config.root), list(islice(rows, ROWS))
    group = store.schema(config.production.group or "")
    with tempfile.TemporaryDirectory(prefix="records-") as folder:
        for guid, record in records_of(store, group, first):
            if record is not None:
                Path(folder, guid).mkdir(exist_ok=True)
                Path(folder, guid, RECORD).write_bytes(text_of(record))
        yield chain(first, rows), folder
