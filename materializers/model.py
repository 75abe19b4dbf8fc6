"""Trained models: a folder of files, never a pickle."""

import hashlib
from pathlib import Path
from typing import Any, ClassVar

from zenml.enums import ArtifactType
from zenml.materializers.base_materializer import BaseMaterializer
from zenml.metadata.metadata_types import MetadataType

from finetune.artifacts import ModelFolder
from finetune.failure import failure_in
from finetune.storage.copy import hash_file
from finetune.training.model_folder import read_facts
from materializers.local import store_folder, stored_path


class ModelFolderMaterializer(BaseMaterializer):
    """Stores the files of a model folder."""

    ASSOCIATED_TYPES: ClassVar[tuple[type[Any], ...]] = (ModelFolder,)
    ASSOCIATED_ARTIFACT_TYPE: ClassVar[ArtifactType] = ArtifactType.MODEL

    def load(self, data_type: type[ModelFolder]) -> ModelFolder:
        """Gives a handle on the stored folder."""
        return ModelFolder(stored_path(self))

    def save(self, data: ModelFolder) -> None:
        """Copies the files into the store."""
        store_folder(self, data.path)

    def extract_metadata(self, data: ModelFolder) -> dict[str, MetadataType]:
        """Labels, functions and bytes; of a model that failed, why."""
        failure = failure_in(data.path)
        if failure is not None:
            return {"failure": failure.error}
        facts = read_facts(data.path)
        size = sum(path.stat().st_size for path in _files(data.path))
        return {"labels": facts.labels, "functions": facts.functions, "bytes": size}

    def compute_content_hash(self, data: ModelFolder) -> str:
        """SHA-256 over the files' names and hashes."""
        lines = (f"{path.relative_to(data.path).as_posix()} {hash_file(path)}\n" for path in _files(data.path))
        return hashlib.sha256("".join(lines).encode()).hexdigest()


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())
