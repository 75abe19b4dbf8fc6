"""Remembers the ids whose process_func has finished, so that a killed run does not call it again for them.

A line is appended after process_func returned: done is written last. What counts as done is a digest of everything
that process_func saw, so a changed label, file or function is processed again. An id that is done is forgotten
before its files are touched again, so that a kill in between leaves it undone.
"""

import hashlib
import json
import threading
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from finetune.experiment import Home
from finetune.storage.storage import Storage

FORGOTTEN = ""
"""Stands in place of a digest."""


class Journal:
    """An append-only file of `guid <tab> digest` lines; safe to use from several threads."""

    def __init__(self, path: Path, process_hash: str) -> None:
        """Opens the journal; `process_hash` stands for the code of process_func."""
        self._process_hash = process_hash
        self._done = _read(path)
        self._file = path.open("ab", buffering=0)
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def digest(self, row: Mapping[str, Any], hashes: Mapping[str, str]) -> str:
        """The digest of what process_func sees of one id: its row, its files' hashes, and the code."""
        seen = json.dumps([self._process_hash, dict(row), dict(hashes)], sort_keys=True, default=str)
        return hashlib.sha256(seen.encode()).hexdigest()

    def has(self, guid: str, digest: str) -> bool:
        """Whether process_func has finished for exactly this."""
        return self._done.get(guid) == digest

    def add(self, guid: str, digest: str) -> None:
        """Writes down that process_func has finished for this id."""
        self._done[guid] = digest
        self._append(guid, digest)

    def forget(self, guid: str) -> None:
        """Writes down that this id is to be processed again, if it was done."""
        if self._done.pop(guid, None) is not None:
            self._append(guid, FORGOTTEN)

    def _append(self, guid: str, digest: str) -> None:
        with self._lock:
            self._file.write(_line(guid, digest))


class Markers(Journal):
    """The same in S3, where nothing can be appended: an empty object `<folder>/<guid>/<digest>` for each id."""

    def __init__(self, storage: Storage, folder: str, process_hash: str) -> None:
        """Lists the markers."""
        self._process_hash, self._storage, self._folder = process_hash, storage, folder
        self._done = {guid: digest for path in storage.below(folder) for guid, _, digest in [path.partition("/")]}

    def __exit__(self, *raised: object) -> None:
        """Nothing is open."""

    def add(self, guid: str, digest: str) -> None:
        """As Journal says."""
        self._storage.write(self._marker(guid, digest), b"")
        self._done[guid] = digest

    def forget(self, guid: str) -> None:
        """As Journal says."""
        digest = self._done.pop(guid, None)
        if digest is not None:
            self._storage.delete(self._marker(guid, digest))

    def _marker(self, guid: str, digest: str) -> str:
        return f"{self._folder}/{guid}/{digest}"


def open_journal(home: Home, process_hash: str) -> Journal:
    """Opens the home's journal."""
    place = home.journal
    return Journal(place, process_hash) if isinstance(place, Path) else Markers(home.storage, str(place), process_hash)


def _line(guid: str, digest: str) -> bytes:
    return f"{guid}\t{digest}\n".encode()


def _read(path: Path) -> dict[str, str]:
    """Gives the digest of each id that is done, and shortens the journal to these."""
    if not path.exists():
        return {}
    *lines, torn = path.read_bytes().decode("utf-8", "replace").split("\n")  # by a kill or a full disk
    entries = dict(line.split("\t", 1) for line in lines if "\t" in line)
    done = {guid: digest for guid, digest in entries.items() if digest != FORGOTTEN}
    if torn or len(done) < len(lines):
        shorter = path.with_name(f"{path.name}.part")
        shorter.write_bytes(b"".join(_line(guid, digest) for guid, digest in done.items()))
        shorter.replace(path)
    return done
