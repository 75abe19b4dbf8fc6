"""Merged datasets: the groups' Arrow files as they are, and an index per split; no row is written again."""

import json
from pathlib import Path
from typing import ClassVar

import pyarrow as pa
from datasets import Dataset, DatasetDict
from datasets.table import MemoryMappedTable, concat_tables

from materializers.dataset import DatasetMaterializer
from materializers.local import place_file, scratch_folder, stored_path

ABOUT = "merged.json"


class MergedMaterializer(DatasetMaterializer):
    """Stores a DatasetDict whose splits are views of the same memory-mapped Arrow files."""

    SKIP_REGISTRATION: ClassVar[bool] = True
    """Any other DatasetDict is DatasetMaterializer's."""

    def load(self, data_type: type[DatasetDict]) -> DatasetDict:
        """Maps files and indices into memory."""
        stored, folder = stored_path(self), scratch_folder()
        for path in stored.iterdir():
            (folder / path.name).symlink_to(path)  # what a later `map` caches beside its input stays out of the store
        about = json.loads((folder / ABOUT).read_bytes())
        rows = concat_tables([MemoryMappedTable.from_file(str(folder / name)) for name in about["files"]])
        return DatasetDict(
            {split: Dataset(rows, indices_table=_mapped(folder / _index(split))) for split in about["splits"]}
        )

    def save(self, data: DatasetDict) -> None:
        """Brings files and indices into the store; on one disk they are linked, not copied."""
        scratch = scratch_folder()
        files = [Path(file["filename"]) for file in next(iter(data.values())).cache_files]
        names = [f"rows-{number:03}.arrow" for number in range(len(files))]
        for file, name in zip(files, names, strict=True):
            place_file(self, file, name)
        for split, part in data.items():
            index = scratch / _index(split)
            with pa.OSFile(str(index), "wb") as sink, pa.ipc.new_stream(sink, part._indices.schema) as writer:
                writer.write_table(part._indices.table)
            place_file(self, index, index.name)
        (scratch / ABOUT).write_text(json.dumps({"files": names, "splits": list(data)}), encoding="utf-8")
        place_file(self, scratch / ABOUT, ABOUT)


def _index(split: str) -> str:
    return f"{split}.indices.arrow"


def _mapped(path: Path) -> MemoryMappedTable:
    return MemoryMappedTable.from_file(str(path))
