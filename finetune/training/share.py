"""Hands a prepared dataset from the first training process to all others: the same rows, as Arrow, in pieces."""

from pathlib import Path

import datasets
import pyarrow as pa
import torch
from torch import distributed

SPLITS = ("train", "validation")
_ROWS, _PIECE = 1_000, 16 * 2**20


def send(prepared: datasets.DatasetDict) -> None:
    """Sends the splits that training reads; memory stays within a piece of 16 MiB and 1,000 rows."""
    for split in SPLITS:
        sink = _Pieces()
        schema = prepared[split].features.arrow_schema
        with pa.ipc.new_stream(pa.PythonFile(sink, mode="w"), schema) as writer:
            for table in prepared[split].with_format("arrow").iter(batch_size=_ROWS):
                writer.write_table(table.cast(schema))
        sink.flush()
        _broadcast(b"")


def receive(folder: Path) -> datasets.DatasetDict:
    """Receives them into files, which are mapped into memory."""
    received = {}
    for split in SPLITS:
        path = folder / f"{split}.arrow"
        with path.open("wb") as file:
            while piece := _broadcast(None):
                file.write(piece)
        received[split] = datasets.Dataset.from_file(str(path))
    return datasets.DatasetDict(received)


class _Pieces:
    """A file to write into whose bytes go to all processes."""

    closed = False

    def __init__(self) -> None:
        self._buffer = bytearray()

    def write(self, data: bytes) -> int:
        self._buffer += data
        while len(self._buffer) >= _PIECE:
            _broadcast(bytes(self._buffer[:_PIECE]))
            del self._buffer[:_PIECE]
        return len(data)

    def flush(self) -> None:
        if self._buffer:
            _broadcast(bytes(self._buffer))
            self._buffer.clear()


def _broadcast(data: bytes | None) -> bytes:
    """Sends bytes from the first process, or receives them where data is None."""
    size = torch.tensor([0 if data is None else len(data)])
    distributed.broadcast(size, src=0)
    if int(size) == 0:
        return b""
    values = (
        torch.empty(int(size), dtype=torch.uint8)
        if data is None
        else torch.frombuffer(bytearray(data), dtype=torch.uint8)
    )
    distributed.broadcast(values, src=0)
    return values.numpy().tobytes()
