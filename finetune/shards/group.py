"""Encodes one group: those of its parts that are missing are made, then all become one Arrow file."""

import json
import shutil
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, Any

from finetune.errors import PrepareError
from finetune.progress import Progress, say
from finetune.shards.markers import ROWS, Marker, done
from finetune.shards.parts import Part, in_order_of_work
from finetune.shards.pool import hand_out
from finetune.shards.work import Work
from finetune.storage.copy import hash_file
from finetune.storage.storage import storage_of
from finetune.storage.uri import is_s3, join
from finetune.words import counted

FILE, ABOUT = "group.arrow", "group.json"
_CONTINUES = 0xFFFFFFFF


@dataclass(frozen=True)
class Group:
    """An encoded group, a folder: one Arrow file with a row per example, and JSON about it."""

    path: Path

    @property
    def file(self) -> Path:
        """The rows, part by part; those of a part in order of guid."""
        return self.path / FILE

    @cached_property
    def about(self) -> "About":
        """What was counted."""
        return About(**json.loads((self.path / ABOUT).read_bytes()))


@dataclass(frozen=True)
class About:
    """What is known of an encoded group."""

    rows: int
    ids: int
    bytes: int
    """Of its files."""
    parts: Sequence[str]
    """Names of the parts that it was made of."""
    dropped: dict[str, str]
    """Why, by guid: ids whose files could not be read."""
    truncated: dict[str, Sequence[int]] | None
    """By label, the truncated rows and all; None if encode_data does not say."""


def make_missing(parts: Sequence[Part], work: Work, *, name: str, processes: int, scratch: Path) -> None:
    """Makes those parts that are not done yet, in parallel.

    Args:
        parts: All parts that are wanted.
        work: What is the same for all.
        name: What the progress calls it.
        processes: Processes at the same time, at most.
        scratch: A folder for parts that are fetched.

    Raises:
        PrepareError: As `hand_out`.
    """
    if not is_s3(work.parts):
        Path(work.parts).mkdir(parents=True, exist_ok=True)
    markers = _usable(done(work.parts, parts), work.parts, scratch)
    missing = [part for part in parts if part.name not in markers]
    if markers:
        say(f"{name}: {counted(len(markers), 'part')} of {len(parts):,} done before")
    begun = sum(marker.ids for marker in markers.values())
    with Progress(name, begun + sum(len(part.units) for part in missing), begun=begun) as progress:
        for _, marker in hand_out(in_order_of_work(missing), work, processes):
            progress.advance_to(progress.done + marker.ids)


def gather(parts: Sequence[Part], work: Work, target: Path, scratch: Path) -> Group:
    """Makes a group's file by laying the Arrow batches of its parts end to end; all are done.

    Args:
        parts: The group's.
        work: What they were made by.
        target: The folder to make.
        scratch: A folder for parts that are fetched.

    Raises:
        PrepareError: A part is gone.
    """
    markers = done(work.parts, parts)
    gone = [part.name for part in parts if part.name not in markers]
    if gone:
        raise PrepareError(
            f"{join(work.parts, gone[0] + ROWS)} was there a moment ago, and is gone or another one now: does another "
            f"process write to this folder? start the run again"
        )
    target.mkdir(parents=True)
    _lay_together([_here(part.name, work.parts, scratch) for part in parts], target / FILE)
    about = _about(parts, [markers[part.name] for part in parts])
    (target / ABOUT).write_text(json.dumps(asdict(about), sort_keys=True), encoding="utf-8")
    return Group(target)


def _usable(markers: dict[str, Marker], folder: str, scratch: Path) -> dict[str, Marker]:
    """The markers whose Arrow file is what they say; another one is made again."""
    return {
        name: marker for name, marker in markers.items() if hash_file(_here(name, folder, scratch)) == marker.sha256
    }


def _here(name: str, folder: str, scratch: Path) -> Path:
    """A local path of a part's Arrow file; one in S3 is fetched, once."""
    if not is_s3(folder):
        return Path(join(folder, name + ROWS))
    path = scratch / (name + ROWS)
    if not path.exists():
        storage_of(folder).fetch(join(folder, name + ROWS), path)
    return path


def _about(parts: Sequence[Part], markers: Sequence[Marker]) -> About:
    return About(
        rows=sum(marker.rows for marker in markers),
        ids=sum(marker.ids for marker in markers),
        bytes=sum(part.size for part in parts),
        parts=[part.name for part in parts],
        dropped={guid: why for marker in markers for guid, why in marker.dropped.items()},
        truncated=added(marker.truncated for marker in markers),
    )


def added(counts: Iterable[Any]) -> dict[str, Sequence[int]] | None:
    """Truncated and all rows by label, of parts or groups together; None if one does not say."""
    cut: Counter[str] = Counter()
    totals: Counter[str] = Counter()
    for each in counts:
        if each is None:
            return None
        cut.update({label: pair[0] for label, pair in each.items()})
        totals.update({label: pair[1] for label, pair in each.items()})
    return {label: (cut[label], total) for label, total in sorted(totals.items())}


def _lay_together(files: Sequence[Path], target: Path) -> None:
    """Makes one Arrow stream of several of the same schema: each begins with it and ends with an end mark.

    No batch is read: see "IPC Streaming Format" in the specification of Arrow's columnar format.
    """
    with target.open("wb") as sink:
        for number, path in enumerate(files):
            with path.open("rb") as source:
                if number:
                    source.seek(_length_of_schema(source))
                shutil.copyfileobj(source, sink, 1 << 20)
            sink.seek(-8, 1)
            sink.truncate()
        sink.write(_CONTINUES.to_bytes(4, "little") + bytes(4))


def _length_of_schema(stream: IO[bytes]) -> int:
    """Bytes of the first message, which has a head of 8 bytes, its length in the last four, and no body."""
    return 8 + int.from_bytes(stream.read(8)[4:], "little")
