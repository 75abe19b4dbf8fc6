from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from finetune.artifacts import Predictions
from finetune.reconcile.manifest import Manifest
from finetune.reconcile.snapshot import Snapshot
from finetune.storage.copy import hash_file
from materializers.table import TableMaterializer
from tests.materializers.conftest import Make


@pytest.fixture
def file(tmp_path: Path) -> Path:
    pq.write_table(pa.table({"guid": ["a", "b"], "label": ["x", None]}), tmp_path / "made.parquet")
    return tmp_path / "made.parquet"


@pytest.mark.parametrize("kind", [Snapshot, Manifest, Predictions])
@pytest.mark.parametrize("far", [False, True])
def test_a_stored_table_comes_back_byte_by_byte_as_its_kind(make: Make, file: Path, kind: Any, far: bool) -> None:
    materializer = make(TableMaterializer, far=far)
    materializer.save(kind(file))
    loaded = materializer.load(kind)
    assert type(loaded) is kind
    assert loaded.path.read_bytes() == file.read_bytes()


def test_the_hash_is_that_of_the_file_and_metadata_tells_rows_and_columns(make: Make, file: Path) -> None:
    materializer = make(TableMaterializer)
    assert materializer.compute_content_hash(Manifest(file)) == hash_file(file)
    assert materializer.extract_metadata(Manifest(file)) == {
        "rows": 2,
        "columns": ["guid", "label"],
        "sha256": hash_file(file),
    }
