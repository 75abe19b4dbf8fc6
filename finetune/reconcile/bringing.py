"""Brings the selected ids home, a batch at a time, in order of guid."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from finetune.progress import Progress
from finetune.reconcile.hashing import Hashing
from finetune.reconcile.label_rows import chunks
from finetune.reconcile.manifest import HashFrom, Line
from finetune.reconcile.parallel import ahead
from finetune.reconcile.selection import Selected, Selection
from finetune.reconcile.snapshot import InProduction, Snapshot, ids_of
from finetune.reconcile.transfer import Batch, Source, There, Transfer
from finetune.reconcile.unlike import Unlike
from finetune.reconcile.validate import Validation
from finetune.storage.digest import MD5, Digest
from finetune.storage.listing import ListedFile
from finetune.storage.uri import join

BATCH = 4_000
"""Ids that are at work at the same time: so many that waiting for the last of them costs little."""


class _Id(NamedTuple):
    """An id as it is brought home, or not."""

    row: Mapping[str, Any]
    selected: Selected
    files: Sequence[ListedFile]
    """With the hashes that labels and listing tell."""
    told: bool
    """Whether the labels tell the hash."""


def bring_home(snapshot: Snapshot, selection: Selection, hashing: Hashing, transfer: Transfer) -> Iterator[Line]:
    """Copies and processes each kept id, and yields what became of each id.

    Raises:
        ReconcileError: A file cannot be copied, process_func raised, or files are missing that cannot be repaired.
        StorageError: The home's lock was lost.
    """
    validation, names = Validation(transfer), snapshot.further_columns.names
    unlike = Unlike(names)

    def ids() -> Iterator[_Id]:
        for found, selected in zip(ids_of(snapshot), selection, strict=True):
            unlike.see(found, selected)
            yield _id(found, selected, transfer.files_from_production, names)

    def batches() -> Iterator[tuple[list[_Id], Batch, There]]:
        for chunk in chunks(ids(), BATCH):
            kept = [each for each in chunk if each.selected.reason is None]
            batch = _batch(kept, hashing, transfer.production)
            yield chunk, batch, transfer.look(batch)

    with Progress("bring home", selection.kept) as progress:
        for chunk, batch, there in ahead(batches()):
            files = dict(validation.complete(batch, transfer.bring_home(batch, there)))
            progress.advance_to(progress.done + len(batch))
            yield from (Line(each.row, files.get(each.selected.guid, ()), each.selected.reason) for each in chunk)
    validation.refuse_missing()
    unlike.tell()


def _id(found: InProduction, selected: Selected, files: Sequence[str], further: Sequence[str]) -> _Id:
    row = found.row(selected.label)
    if row is None:
        return _Id({"guid": found.guid}, selected, [], False)
    values = {"guid": row.guid, "label": row.label, **dict(zip(further, row.more, strict=True))}
    if selected.reason is not None or row.label is None:
        return _Id(values, selected, [], False)
    return _Id(values, selected, found.told(row.label, files), row.told is not None)


def _batch(kept: Sequence[_Id], hashing: Hashing, production: str) -> Batch:
    unknown = [each for each in kept if not each.selected.digests and any(file.digest is None for file in each.files)]
    read = dict(hashing.some([(each.selected.guid, each.files) for each in unknown]))
    return [(each.row, _sources(each, read.get(each.selected.guid), production)) for each in kept]


def _sources(each: _Id, read: Sequence[Digest] | None, production: str) -> list[Source]:
    computed: Sequence[Digest | None] = read or each.selected.digests or [None] * len(each.files)
    return [
        _source(join(production, each.selected.guid, file.name), file, each.told, digest)
        for file, digest in zip(each.files, computed, strict=True)
    ]


def _source(path: str, file: ListedFile, told: bool, computed: Digest | None) -> Source:
    """What labels or listing tell of a file comes first, so that a wrong hash in the database is found by the copy."""
    digest = file.digest or computed
    if digest is None:
        raise ValueError(f"{path} has no hash")
    known: HashFrom = "database" if told else "etag" if digest.kind == MD5 else "s3 checksum"
    return Source(path, file.size, file.version, digest, known if file.digest is not None else "computed")
