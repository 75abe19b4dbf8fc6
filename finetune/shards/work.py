"""What a process does with one part: it encodes its ids, streams the rows into an Arrow file, and marks it done."""

import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import datasets
import pyarrow as pa

from finetune.calls import call
from finetune.errors import PrepareError, UnreadableError
from finetune.functions import load_functions
from finetune.prepare.columns import GUID, TRUNCATED
from finetune.prepare.encoder import Encoder
from finetune.prepare.watched import Guarded
from finetune.shards.markers import ROWS, Marker, mark
from finetune.shards.parts import Part
from finetune.shards.plan import Unit
from finetune.shards.staged import staged
from finetune.storage.copy import hash_file
from finetune.storage.disk import disk_errors
from finetune.storage.storage import storage_of
from finetune.storage.uri import is_s3, join


@dataclass(frozen=True)
class Work:
    """What is the same for all parts of a group; picklable."""

    functions: str
    """Folder of experiments/."""
    calls: Sequence[str]
    """The functions that must be there."""
    files: str
    """The folder of all ids."""
    labels: Sequence[str] | None
    """In order of class id; None where there are no labels."""
    model: Mapping[str, Any]
    """The config's model section."""
    batch_size: int
    """Ids between two writes."""
    memory_mb: int
    drops: bool
    """Whether ids that cannot be read are dropped."""
    parts: str
    """The folder of parts."""
    differing: Mapping[str, list[str]] = field(default_factory=dict)
    """Keys of the model section that encode_data must not read, because the models of the dataset differ in them."""
    here: str | None = None
    """A local folder in which the files of this machine's ids lie already, for reading in place of `files`."""


@dataclass
class _Counts:
    """What is counted while a part is made."""

    rows: int = 0
    dropped: dict[str, str] = field(default_factory=dict)
    totals: Counter[str] = field(default_factory=Counter)
    cut: Counter[str] = field(default_factory=Counter)
    unsaid: bool = False

    def add(self, table: pa.Table, labels: Mapping[str, str]) -> None:
        self.rows += len(table)
        for guid, truncated in zip(table[GUID].to_pylist(), table[TRUNCATED].to_pylist(), strict=True):
            self.unsaid |= truncated is None
            self.totals[labels[guid]] += 1
            self.cut[labels[guid]] += bool(truncated)

    @property
    def truncated(self) -> dict[str, tuple[int, int]] | None:
        return None if self.unsaid else {label: (self.cut[label], total) for label, total in self.totals.items()}


class Maker:
    """Makes parts, one after the other; the functions are loaded once."""

    def __init__(self, work: Work) -> None:
        """Loads the experiment's functions."""
        functions = load_functions(work.functions, work.calls)
        features = call("get_dataset_features", functions.get_dataset_features, len(work.labels or ()))
        label2id = None if work.labels is None else {label: index for index, label in enumerate(work.labels)}
        self._work = work
        self._schema = datasets.Features({GUID: datasets.Value("string"), **features}).arrow_schema
        self._encoder = Encoder(functions.encode_data, features, label2id, Guarded(work.model, work.differing))

    def make(self, part: Part) -> Marker:
        """Writes the part's Arrow file and then its marker.

        Raises:
            PrepareError: encode_data breaks its contract, or memory does not suffice.
            UnreadableError: It raised on an id's files, and such ids are not dropped.
        """
        counts = _Counts()
        with tempfile.TemporaryDirectory(prefix="part-") as scratch:
            file = Path(scratch, "rows.arrow")
            try:
                self._write(part, file, counts)
            except MemoryError as error:
                raise _too_little(part, self._work) from error
            except UnreadableError as error:
                raise (_too_little(part, self._work) if isinstance(error.__cause__, MemoryError) else error) from error
            marker = Marker(
                part.made_from, hash_file(file), counts.rows, len(part.units), counts.dropped, counts.truncated
            )
            _keep(file, join(self._work.parts, part.name + ROWS))
        mark(self._work.parts, part, marker)
        return marker

    def _write(self, part: Part, file: Path, counts: _Counts) -> None:
        work = self._work
        with pa.OSFile(str(file), "wb") as sink, pa.ipc.new_stream(sink, self._schema) as writer:
            for units in _batches(part.units, work.batch_size):
                with staged(work.files, units, work.here) as folder:
                    table = self._table(units, folder, counts.dropped)
                counts.add(table, {unit.guid: unit.label or "" for unit in units})
                writer.write_table(table.drop_columns([TRUNCATED]).cast(self._schema))

    def _table(self, units: Sequence[Unit], folder: str, dropped: dict[str, str]) -> pa.Table:
        instances = {
            unit.guid: {file.name: join(folder, unit.guid, file.name) for file in unit.files} for unit in units
        }
        found: dict[str, str] | None = {} if self._work.drops else None
        try:
            table = self._encoder.table(instances, found)
        except PrepareError as error:
            raise type(error)(str(error).replace(folder, self._work.files)) from error.__cause__
        dropped.update({guid: why.replace(folder, self._work.files) for guid, why in (found or {}).items()})
        return table


def _keep(file: Path, target: str) -> None:
    """Brings the part home whole: a process that a killed run left behind may be at the same part."""
    if is_s3(target):
        storage_of(target).put(file, target)
        return
    beside = Path(f"{target}.{os.getpid()}")
    with disk_errors(f"copy {file} -> {target}", target):
        shutil.copyfile(file, beside)
        beside.replace(target)


def _batches(units: Sequence[Unit], size: int) -> Iterator[Sequence[Unit]]:
    return (units[start : start + size] for start in range(0, len(units), size))


def _too_little(part: Part, work: Work) -> PrepareError:
    return PrepareError(
        f"a process needs more memory than prepare.shards.memory_mb {work.memory_mb} allows for {ids_of(part)}; raise "
        f"it, with a lower prepare.processes where the machine has no more, or let encode_data read its files in pieces"
    )


def ids_of(part: Part) -> str:
    """The part's ids as a message names them."""
    first, last = part.units[0].guid, part.units[-1].guid
    return f"id {first}" if len(part.units) == 1 else f"ids {first} to {last}"
