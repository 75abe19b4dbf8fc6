"""Encoded groups: a folder with one Arrow file, mapped into memory in place on a local store."""

import hashlib
from typing import Any, ClassVar

from zenml.enums import ArtifactType
from zenml.materializers.base_materializer import BaseMaterializer
from zenml.metadata.metadata_types import MetadataType

from finetune.shards.group import ABOUT, FILE, Group
from finetune.storage.copy import hash_file
from materializers.local import place_file, stored_path


class GroupMaterializer(BaseMaterializer):
    """Stores the rows and what was counted."""

    ASSOCIATED_TYPES: ClassVar[tuple[type[Any], ...]] = (Group,)
    ASSOCIATED_ARTIFACT_TYPE: ClassVar[ArtifactType] = ArtifactType.DATA

    def load(self, data_type: type[Group]) -> Group:
        """Gives a handle on the stored folder."""
        return Group(stored_path(self))

    def save(self, data: Group) -> None:
        """Brings both files into the store."""
        for name in (FILE, ABOUT):
            place_file(self, data.path / name, name)

    def extract_metadata(self, data: Group) -> dict[str, MetadataType]:
        """Ids, rows, and bytes of the files that they were made from."""
        return {name: getattr(data.about, name) for name in ("ids", "rows", "bytes")}

    def compute_content_hash(self, data: Group) -> str:
        """SHA-256 over both files."""
        parts = (hash_file(data.path / name) for name in (FILE, ABOUT))
        return hashlib.sha256(" ".join(parts).encode()).hexdigest()
