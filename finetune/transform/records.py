"""Records of a transform: ids with the content of their files, out of folders of ids or of JSON Lines.

What cannot be asked about is not lost: it comes as a failed record with the reason.
"""

import json
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from finetune.errors import TransformError
from finetune.storage.storage import storage_of
from finetune.storage.uri import join
from finetune.transform.payloads import in_chunks

LINES = ".jsonl"
AT_ONCE = 256


@dataclass(frozen=True)
class Record:
    """An id, and the content of its files by name: a text, or JSON that is none."""

    guid: str
    instance: dict[str, Any]
    source: str
    """Where it stands: a folder, or a line of a file."""

    def line(self) -> bytes:
        """As a line of JSON, without its end."""
        return json.dumps(asdict(self), ensure_ascii=False).encode()


@dataclass(frozen=True)
class Failed:
    """A record without an answer, and why."""

    guid: str | None
    reason: str
    source: str


Found = Record | Failed


def records_in(place: str, files: Sequence[str]) -> Iterator[Found]:
    """All records of a place.

    Args:
        place: A file of JSON Lines, a folder of such (`*.jsonl`), or a folder with a folder of files for each id.
        files: Names of the files of an id that the model reads.

    Raises:
        TransformError: There is nothing.
        FinetuneError: It cannot be read.
    """
    storage = storage_of(place)
    if storage.exists(place) and not place.endswith("/"):
        yield from lines_of_file(place)
        return
    base = place.rstrip("/")
    there, named = _top(storage.below(base))
    if named:
        for name in named:
            yield from lines_of_file(join(base, name))
        return
    if not there:
        raise TransformError(
            f"{place}: there is nothing; it must be a file or folder of JSON Lines, or a folder of ids"
        )
    ids = ((guid, tuple(file.name for file in found)) for guid, found in storage.list_ids(base, files))
    yield from _of_ids(base, sorted(ids))


def _top(paths: Iterable[str]) -> tuple[bool, list[str]]:
    """Whether there are any, and the files of JSON Lines that lie at the top, in order."""
    there, named = False, list[str]()
    for path in paths:
        there = True
        if path.endswith(LINES) and "/" not in path:
            named.append(path)
    return there, sorted(named)


def records_of_ids(folder: str, guids: Iterable[str], files: Sequence[str]) -> Iterator[Found]:
    """The records of these ids, all of whose files are there."""
    yield from _of_ids(folder, [(guid, tuple(files)) for guid in guids])


def lines_of_file(place: str) -> Iterator[Found]:
    """The records of a file of JSON Lines, `{"guid": ..., "instance": {file name: content}}` each."""
    with tempfile.TemporaryDirectory(prefix="records-") as scratch:
        file = Path(scratch, "records")
        storage_of(place).fetch(place, file)
        with file.open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    yield _of_line(line, f"{place}, line {number}")


def _of_line(line: bytes, source: str) -> Found:
    try:
        value = json.loads(line)
        guid, instance = value["guid"], value["instance"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        told = f"{type(error).__name__}: {error}"
        return Failed(None, f"must be JSON with guid and instance, but got {line[:100]!r} ({told})", source)
    if not isinstance(guid, str) or not guid or not isinstance(instance, dict):
        return Failed(None, "guid must be a text and instance an object with a file's content by its name", source)
    return Record(guid, instance, source)


def _of_ids(folder: str, ids: Sequence[tuple[str, tuple[str, ...]]]) -> Iterator[Found]:
    storage = storage_of(folder)
    for names, alike in groupby(ids, key=lambda each: each[1]):
        for some in in_chunks((guid for guid, _ in alike), AT_ONCE):
            if not names:
                yield from (
                    Failed(guid, "has none of the files that the model reads", join(folder, guid)) for guid in some
                )
                continue
            with storage.at_hand(folder, some, names) as local:
                yield from (_of_files(Path(local, guid), names, join(folder, guid)) for guid in some)


def _of_files(folder: Path, names: Sequence[str], source: str) -> Found:
    instance = {}
    for name in names:
        try:
            instance[name] = (folder / name).read_bytes().decode()
        except UnicodeDecodeError as error:
            return Failed(folder.name, f"{name} is no text in UTF-8 ({error.reason}), and requests hold texts", source)
        except OSError as error:
            return Failed(folder.name, f"{name} cannot be read: {error.strerror}", source)
    return Record(folder.name, instance, source)
