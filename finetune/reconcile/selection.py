"""Selects ids as select.py decides, however many there are: rows lie on disk, and memory holds a part of them."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from finetune.reconcile.candidates import COMPARED, COMPUTED, Sizes, content_of, joined, part_of
from finetune.reconcile.label_rows import chunks
from finetune.reconcile.ordered import InStep, Ordered
from finetune.reconcile.select import Same, match, reason_kind
from finetune.reconcile.snapshot import InProduction, Snapshot, ids_of
from finetune.reconcile.spill import ROWS, Parts, Spill, parts_for, to_table
from finetune.storage.digest import Digest
from finetune.storage.listing import ListedFile

BATCH = 5_000
"""Ids that are in memory as objects."""
Hashed = Iterator[tuple[str, list[Digest]]]
HashAll = Callable[[Iterable[tuple[str, list[ListedFile]]], int], Hashed]
"""Takes ids with their files, and how many there are; gives the SHA-256 of each file, id by id in the same order."""

_TEXTS = pa.string()
_MATCHED = pa.schema([("guid", _TEXTS), ("label", _TEXTS), ("reason", _TEXTS)])
_SIZES = pa.schema([("guid", _TEXTS), ("label", _TEXTS), ("sizes", _TEXTS), ("kinds", _TEXTS), ("content", _TEXTS)])
_CONTENTS = pa.schema([("guid", _TEXTS), ("label", _TEXTS), ("content", _TEXTS)])
_UNREAD = pa.schema([("guid", _TEXTS), ("label", _TEXTS)])
_PAIR = pa.schema([("guid", _TEXTS), ("text", _TEXTS)])


class Selected(NamedTuple):
    """What was decided on an id: its label, or the reason for which it is dropped."""

    guid: str
    label: str | None
    reason: str | None
    digests: list[Digest]
    """Of its files, if they had to be read; otherwise none."""


class Selection:
    """What was decided on each id; streamed in order of guid, as often as it is asked for."""

    def __init__(self, matched: Spill, repeated: Ordered, computed: Spill, kept: int, dropped: Counter[str]) -> None:
        self._matched, self._repeated, self._computed = matched, repeated, computed
        self.kept, self.dropped = kept, dropped
        """How many ids are kept, and dropped for each kind of reason."""

    def __iter__(self) -> Iterator[Selected]:
        repeated, computed = InStep(self._repeated.tuples()), InStep(self._computed.tuples())
        for guid, label, reason in self._matched.tuples():
            reason, digests = reason or repeated.get(guid), computed.get(guid)
            yield Selected(guid, label, reason, [Digest.parse(text) for text in digests.split()] if digests else [])


def select_ids(
    snapshot: Snapshot, names: Sequence[str], *, hash_all: HashAll, folder: Path, part_rows: int = ROWS
) -> Selection:
    """Keeps the ids that have one label and all files, and one of those with the same content.

    Args:
        snapshot: What there is in production.
        names: The files that each id needs.
        hash_all: Reads files whose hashes are not known, or of another kind than those they are compared with.
        folder: An empty local folder for rows that do not fit in memory; the selection lives as long as it.
        part_rows: About how many of these rows are in memory at the same time.
    """
    parts, dropped = parts_for(snapshot.rows, part_rows), Counter[str]()
    matched, sizes = Spill(folder / "matched", _MATCHED), Parts(folder / "sizes", _SIZES, parts)
    kept, cuts = _match(snapshot, names, matched, sizes, dropped, part_rows)
    contents, unread = Parts(folder / "contents", _CONTENTS, parts), Ordered(folder / "unread", _UNREAD, cuts)
    _group(sizes, contents, unread)
    computed = Spill(folder / "computed", _PAIR)
    _read(snapshot, names, unread, hash_all, contents, computed)
    repeated = Ordered(folder / "repeated", _PAIR, cuts)
    kept -= _find_repeated(contents, repeated, dropped)
    return Selection(matched, repeated, computed, kept, dropped)


def _match(
    snapshot: Snapshot, names: Sequence[str], matched: Spill, sizes: Parts, dropped: Counter[str], many: int
) -> tuple[int, list[str]]:
    """The first stage; gives how many ids it keeps, and guids at which as many parts begin as `sizes` has."""
    kept, starts = 0, []
    for ids in chunks(ids_of(snapshot, further=False), min(BATCH, many)):
        rows = [(row.guid, row.label) for found in ids for row in found.rows]
        decided = match(rows, {found.guid: [file.name for file in found.files] for found in ids}, names)
        guids = [found.guid for found in ids]
        matched.extend([guids, *([of.get(guid) for guid in guids] for of in (decided.kept, decided.dropped))])
        _spill_sizes([found for found in ids if found.guid in decided.kept], decided.kept, names, sizes)
        dropped.update(map(reason_kind, decided.dropped.values()))
        kept += len(decided.kept)
        starts.append(guids[0])
    return kept, starts[:: -(-len(starts) // sizes.count)][1:]


def _spill_sizes(ids: Sequence[InProduction], labels: Mapping[str, str], names: Sequence[str], sizes: Parts) -> None:
    contents = [content_of(found.told(labels[found.guid], names)) for found in ids]
    guids = [found.guid for found in ids]
    columns = [guids, [labels[guid] for guid in guids], *(zip(*contents, strict=True) if contents else [[], [], []])]
    sizes.add(to_table(columns, _SIZES), [part_of(content.sizes, sizes.count) for content in contents])


def _group(sizes: Parts, contents: Parts, unread: Ordered) -> None:
    """Leaves out ids whose sizes no other has; of the rest either the known hashes are compared, or files are read."""
    for part in sizes.spills():
        groups = Sizes()
        for _, _, size, kinds, _ in part.tuples():
            groups.add(size, kinds)
        for table in part.read():
            found = [groups.group(size) for size in table["sizes"].to_pylist()]
            compared = table.filter(pa.array([group == COMPARED for group in found]))
            _spill_contents(compared.select(_CONTENTS.names), contents)
            unread.put(table.filter(pa.array([group == COMPUTED for group in found])).select(_UNREAD.names))


def _spill_contents(rows: pa.Table, contents: Parts) -> None:
    contents.add(rows, [part_of(text, contents.count) for text in rows["content"].to_pylist()])


def _read(
    snapshot: Snapshot, names: Sequence[str], unread: Ordered, hash_all: HashAll, contents: Parts, computed: Spill
) -> None:
    def wanted() -> Iterator[tuple[str, list[ListedFile]]]:
        labels = InStep(unread.tuples())
        for found in ids_of(snapshot, further=False):
            label = labels.get(found.guid)
            if label is not None:
                yield found.guid, found.told(label, names)

    total = sum(part.rows for part in unread.spills())
    if not total:
        return
    for chunk in chunks(zip(unread.tuples(), hash_all(wanted(), total), strict=True), BATCH):
        guids, labels = [guid for (guid, _), _ in chunk], [label for (_, label), _ in chunk]
        texts = [joined(digests) for _, (_, digests) in chunk]
        computed.extend([guids, texts])
        _spill_contents(to_table([guids, labels, texts], _CONTENTS), contents)


def _find_repeated(contents: Parts, repeated: Ordered, dropped: Counter[str]) -> int:
    """The second stage; gives how many ids it drops. A part has each content whole, in order of guid."""
    count = 0
    for part in contents.spills():
        same: dict[str, Same] = {}
        for guid, label, content in part.tuples():
            same.setdefault(content, Same(guid, label)).add(guid, label)
        found = ((guid, same[content].reason(guid, label)) for guid, label, content in part.tuples())
        for chunk in chunks(((guid, reason) for guid, reason in found if reason is not None), BATCH):
            repeated.put(to_table(list(zip(*chunk, strict=True)), _PAIR))
            dropped.update(reason_kind(reason) for _, reason in chunk)
            count += len(chunk)
    return count
