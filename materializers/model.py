"""Trained models: a folder of files, never a pickle."""

import hashlib
from typing import Any, ClassVar

from zenml.enums import ArtifactType
from zenml.materializers.base_materializer import BaseMaterializer
from zenml.metadata.metadata_types import MetadataType

from finetune.artifacts import ModelFolder
from finetune.storage.copy import hash_file
from finetune.training.model_folder import read_facts
from materializers.local import store_file, stored_path


class ModelFolderMaterializer(BaseMaterializer):
    """Stores the files of a model folder."""

    ASSOCIATED_TYPES: ClassVar[tuple[type[Any], ...]] = (ModelFolder,)
    ASSOCIATED_ARTIFACT_TYPE: ClassVar[ArtifactType] = ArtifactType.MODEL

    def load(self, data_type: type[ModelFolder]) -> ModelFolder:
        """Gives a handle on the stored folder."""
        return ModelFolder(stored_path(self))

    def save(self, data: ModelFolder) -> None:
        """Copies the files into the store."""
        for path in sorted(data.path.iterdir()):
            store_file(self, path, path.name)

    def extract_metadata(self, data: ModelFolder) -> dict[str, MetadataType]:
        """Labels, functions and bytes."""
        facts = read_facts(data.path)
        size = sum(path.stat().st_size for path in data.path.iterdir())
        return {"labels": facts.labels, "functions": facts.functions, "bytes": size}

    def compute_content_hash(self, data: ModelFolder) -> str:
        """SHA-256 over the files' names and hashes."""
        lines = (f"{path.name} {hash_file(path)}\n" for path in sorted(data.path.iterdir()))
        return hashlib.sha256("".join(lines).encode()).hexdigest()
