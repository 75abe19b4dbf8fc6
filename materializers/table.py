"""Parquet tables that are handed on as files: snapshot, manifest, plan, predictions, features."""

from typing import Any, ClassVar

import pyarrow.parquet as pq
from zenml.enums import ArtifactType
from zenml.materializers.base_materializer import BaseMaterializer
from zenml.metadata.metadata_types import MetadataType

from finetune.artifacts import Features, Predictions
from finetune.reconcile.manifest import Manifest
from finetune.reconcile.snapshot import Snapshot
from finetune.shards.plan import Plan
from finetune.storage.copy import hash_file
from materializers.local import store_file, stored_path

FILE = "table.parquet"


class TableMaterializer(BaseMaterializer):
    """Stores the Parquet file as it is; its hash is the artifact's content hash."""

    ASSOCIATED_TYPES: ClassVar[tuple[type[Any], ...]] = (Snapshot, Manifest, Predictions, Plan, Features)
    ASSOCIATED_ARTIFACT_TYPE: ClassVar[ArtifactType] = ArtifactType.DATA

    def load(self, data_type: type[Any]) -> Any:
        """Gives a handle on the stored file."""
        return data_type(stored_path(self) / FILE)

    def save(self, data: Any) -> None:
        """Copies the file into the store."""
        store_file(self, data.path, FILE)

    def extract_metadata(self, data: Any) -> dict[str, MetadataType]:
        """Rows, columns and SHA-256."""
        file = pq.ParquetFile(data.path)
        return {
            "rows": file.metadata.num_rows,
            "columns": file.schema_arrow.names,
            "sha256": hash_file(data.path),
        }

    def compute_content_hash(self, data: Any) -> str:
        """SHA-256 of the file: the same rows written by the same version of pyarrow give the same file."""
        return hash_file(data.path)
