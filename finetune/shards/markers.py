"""Markers of parts that are done: JSON beside a part's Arrow file, written last, that says what it was made from."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass

from finetune.shards.parts import Part
from finetune.storage.storage import storage_of
from finetune.storage.uri import join

ROWS, MARKER = ".arrow", ".json"


@dataclass(frozen=True)
class Marker:
    """A part that is done."""

    made_from: Mapping[str, str]
    sha256: str
    """Of its Arrow file."""
    rows: int
    ids: int
    dropped: Mapping[str, str]
    """Why, by guid: ids whose files could not be read."""
    truncated: Mapping[str, tuple[int, int]] | None
    """By label, the truncated rows and all; None if encode_data does not say."""


def mark(folder: str, part: Part, marker: Marker) -> None:
    """Writes a part's marker; its Arrow file is there."""
    storage_of(folder).write(join(folder, part.name + MARKER), json.dumps(asdict(marker), sort_keys=True).encode())


def done(folder: str, parts: Iterable[Part]) -> dict[str, Marker]:
    """The markers of those parts that are done, by the part's name; one listing tells which.

    A marker of something else, or one that cannot be read, counts as none.
    """
    storage = storage_of(folder)
    there = set(storage.below(folder))
    found = {}
    for part in parts:
        if {part.name + ROWS, part.name + MARKER} <= there:
            marker = _read(storage.read(join(folder, part.name + MARKER)))
            if marker is not None and marker.made_from == part.made_from:
                found[part.name] = marker
    return found


def forget(folder: str, names: Iterable[str]) -> None:
    """Removes parts, their markers first."""
    storage = storage_of(folder)
    for name in names:
        storage.delete(join(folder, name + MARKER))
        storage.delete(join(folder, name + ROWS))


def _read(content: bytes | None) -> Marker | None:
    try:
        return Marker(**json.loads(content or b""))
    except (ValueError, TypeError):
        return None
