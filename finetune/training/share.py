"""What the processes of a training tell each other before it begins: the dataset, and the checkpoint to go on from."""

import os
import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import datasets
import pyarrow as pa
import torch
from torch import distributed

from finetune.training.checkpoints import Checkpoint, Checkpoints
from finetune.training.work import DATASET

SPLITS = ("train", "validation")
TIMEOUT = timedelta(minutes=30)
"""For one exchange: a process may validate or save while the others wait."""
_ROWS, _PIECE = 1_000, 16 * 2**20


@contextmanager
def process_group() -> Iterator[None]:
    """The group that RANK, WORLD_SIZE and MASTER_ADDR describe: gloo between CPUs, nccl between GPUs."""
    gpus = torch.cuda.is_available()
    if gpus:
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    distributed.init_process_group("cpu:gloo,cuda:nccl" if gpus else "gloo", timeout=TIMEOUT)
    try:
        yield
    finally:
        distributed.destroy_process_group()


class Sharing:
    """Processes of the first machine find things in its files; to those of other machines the first process sends them.

    Every process makes one, in the process group.
    """

    def __init__(self, folder: Path, scratch: Path) -> None:
        """Takes the folder that the processes of this machine share, and one of this process alone."""
        here, world = int(os.environ["LOCAL_WORLD_SIZE"]), distributed.get_world_size()
        self.leads = distributed.get_rank() == 0
        self._near = int(os.environ["GROUP_RANK"]) == 0
        self._folder, self._scratch = folder, scratch
        far = list(range(here, world))
        self._group = distributed.new_group([0, *far], backend="gloo") if far else None

    def dataset(self) -> datasets.DatasetDict:
        """The splits that training reads: the same rows in each process."""
        if not self._near:
            return self._receive_dataset()
        # A pickled dataset names the files that it maps into memory; whoever wrote it started this process.
        prepared: datasets.DatasetDict = pickle.loads((self._folder / DATASET).read_bytes())
        if self.leads and self._group is not None:
            self._send_dataset(prepared)
        return prepared

    def checkpoint(self, checkpoints: Checkpoints) -> Checkpoint | None:
        """The checkpoint from which all go on: the first process's newest, of which other machines get a copy."""
        said: list[Any] = [checkpoints.newest() if self.leads else None]
        distributed.broadcast_object_list(said, src=0)
        last: Checkpoint | None = said[0]
        if last is None or self._group is None or (self._near and not self.leads):
            return last
        folder = last.folder if self.leads else checkpoints.of_step(last.step)
        names: list[Any] = [sorted(path.name for path in folder.iterdir()) if self.leads else None]
        distributed.broadcast_object_list(names, src=0, group=self._group)
        folder.mkdir(parents=True, exist_ok=True)
        for name in names[0]:
            self._send_file(folder / name) if self.leads else self._receive_file(folder / name)
        return replace(last, folder=folder)

    def _send_dataset(self, prepared: datasets.DatasetDict) -> None:
        """Memory stays within a piece of 16 MiB and 1,000 rows."""
        for split in SPLITS:
            sink = _Pieces(self._broadcast)
            schema = prepared[split].features.arrow_schema
            with pa.ipc.new_stream(pa.PythonFile(sink, mode="w"), schema) as writer:
                for table in prepared[split].with_format("arrow").iter(batch_size=_ROWS):
                    writer.write_table(table.cast(schema))
            sink.flush()
            self._broadcast(b"")

    def _receive_dataset(self) -> datasets.DatasetDict:
        """Into files, which are mapped into memory."""
        received = {}
        for split in SPLITS:
            path = self._scratch / f"{split}.arrow"
            self._receive_file(path)
            received[split] = datasets.Dataset.from_file(str(path))
        return datasets.DatasetDict(received)

    def _send_file(self, path: Path) -> None:
        with path.open("rb") as file:
            while piece := file.read(_PIECE):
                self._broadcast(piece)
        self._broadcast(b"")

    def _receive_file(self, path: Path) -> None:
        with path.open("wb") as file:
            while piece := self._broadcast(None):
                file.write(piece)

    def _broadcast(self, data: bytes | None) -> bytes:
        """Sends bytes from the first process, or receives them where data is None."""
        size = torch.tensor([0 if data is None else len(data)])
        distributed.broadcast(size, src=0, group=self._group)
        if int(size) == 0:
            return b""
        values = (
            torch.empty(int(size), dtype=torch.uint8)
            if data is None
            else torch.frombuffer(bytearray(data), dtype=torch.uint8)
        )
        distributed.broadcast(values, src=0, group=self._group)
        return values.numpy().tobytes()


class _Pieces:
    """A file to write into whose bytes go to all processes."""

    closed = False

    def __init__(self, send: Any) -> None:
        self._buffer, self._send = bytearray(), send

    def write(self, data: bytes) -> int:
        self._buffer += data
        while len(self._buffer) >= _PIECE:
            self._send(bytes(self._buffer[:_PIECE]))
            del self._buffer[:_PIECE]
        return len(data)

    def flush(self) -> None:
        if self._buffer:
            self._send(bytes(self._buffer))
            self._buffer.clear()
