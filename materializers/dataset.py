"""Prepared datasets: Arrow files in the artifact store, memory-mapped in place on a local one."""

import hashlib
import tempfile
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa
from datasets import Dataset, DatasetDict, load_from_disk
from zenml.enums import ArtifactType
from zenml.materializers.base_materializer import BaseMaterializer
from zenml.metadata.metadata_types import MetadataType

from materializers.local import scratch_folder, store_folder, stored_path

ROWS = 1_000
INDEX = "dataset_dict.json"
"""The file by which a stored DatasetDict is known; it is stored last."""


class DatasetMaterializer(BaseMaterializer):
    """Stores a DatasetDict as `save_to_disk` lays it out."""

    ASSOCIATED_TYPES: ClassVar[tuple[type[Any], ...]] = (DatasetDict,)
    ASSOCIATED_ARTIFACT_TYPE: ClassVar[ArtifactType] = ArtifactType.DATA

    _hashed: tuple[DatasetDict, str] | None = None

    def load(self, data_type: type[DatasetDict]) -> DatasetDict:
        """Maps the stored Arrow files into memory, read-only.

        They are opened through a folder of links: what a later `map` caches beside its input stays out of the store.
        """
        links = scratch_folder()
        _link(stored_path(self), links)
        return load_from_disk(str(links))

    def save(self, data: DatasetDict) -> None:
        """Writes the splits into the store."""
        if self.artifact_store.config.is_local:
            data.save_to_disk(self.uri)
            return
        with tempfile.TemporaryDirectory() as folder:
            data.save_to_disk(folder)
            store_folder(self, Path(folder), last=[INDEX])

    def extract_metadata(self, data: DatasetDict) -> dict[str, MetadataType]:
        """Examples per split, names of the features, and SHA-256."""
        return {
            "examples": {split: len(part) for split, part in data.items()},
            "features": list(next(iter(data.values())).features),
            "sha256": self.compute_content_hash(data),
        }

    def compute_content_hash(self, data: DatasetDict) -> str:
        """SHA-256 over the splits' rows; see `content_hash`."""
        if self._hashed is None or self._hashed[0] is not data:  # ZenML asks twice, and a large set takes seconds
            self._hashed = (data, content_hash(data))
        return self._hashed[1]


def content_hash(data: DatasetDict) -> str:
    """SHA-256 over names, features and rows in order; how the rows lie in files does not count."""
    digest = hashlib.sha256()
    for split in sorted(data):
        digest.update(f"{split} {len(data[split])} {sorted(data[split].features.items())}\n".encode())
        _hash_rows(data[split], digest)
    return digest.hexdigest()


def _hash_rows(dataset: Dataset, digest: Any) -> None:
    for table in dataset.with_format("arrow").iter(batch_size=ROWS):
        for name in sorted(table.column_names):
            # take() lays the values out anew, so equal values give equal bytes wherever they were cut from
            column = table[name].combine_chunks().take(pa.array(range(len(table))))
            sink = pa.BufferOutputStream()
            with pa.ipc.new_stream(sink, pa.schema([(name, column.type)])) as writer:
                writer.write_batch(pa.record_batch([column], names=[name]))
            digest.update(sink.getvalue())


def _link(source: Path, target: Path) -> None:
    for path in source.rglob("*"):
        link = target / path.relative_to(source)
        if path.is_file():
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(path)
