"""Remembers the ids whose process_func has finished, so that a killed run does not call it again for them.

A line is appended after process_func returned: done is written last. What counts as done is a digest of everything
that process_func saw and left, so a changed label, file or function is processed again, and so is an id of which
somebody edited a file at home. An id that is done is forgotten before its files are touched again, so that a kill in
between leaves it undone.
"""

import hashlib
import json
import os
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from finetune.experiment import Home
from finetune.reconcile.known import Known
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

    def digest(self, row: Mapping[str, Any], seen: Mapping[str, str], left: Mapping[str, str]) -> str:
        """The digest of one id: its row, the hashes of the files that process_func sees and leaves, and the code."""
        done = json.dumps([self._process_hash, dict(row), dict(seen), dict(left)], sort_keys=True, default=str)
        return hashlib.sha256(done.encode()).hexdigest()

    def knows(self, guid: str) -> bool:
        """Whether process_func has finished for this id, with whatever it saw."""
        with self._lock:
            return self._done.knows(guid)

    def has(self, guid: str, digest: str) -> bool:
        """Whether process_func has finished for exactly this."""
        with self._lock:
            return self._done.has(guid, digest)

    def add(self, guid: str, digest: str) -> None:
        """Writes down that process_func has finished for this id."""
        with self._lock:
            self._done.set(guid, digest)
            self._file.write(_line(guid, digest))

    def forget(self, guid: str) -> None:
        """Writes down that this id is to be processed again, if it was done."""
        with self._lock:
            if self._done.knows(guid):
                self._done.set(guid, FORGOTTEN)
                self._file.write(_line(guid, FORGOTTEN))


class Markers(Journal):
    """The same in S3, where nothing can be appended: an empty object `<folder>/<guid>/<digest>` for each id."""

    def __init__(self, storage: Storage, folder: str, process_hash: str) -> None:
        """Lists the markers."""
        self._process_hash, self._storage, self._folder = process_hash, storage, folder
        self._lock = threading.Lock()
        self._done = Known(
            (guid, digest) for path in storage.below(folder) for guid, _, digest in [path.partition("/")]
        )

    def __exit__(self, *raised: object) -> None:
        """Nothing is open."""

    def add(self, guid: str, digest: str) -> None:
        """As Journal says."""
        self._storage.write(f"{self._folder}/{guid}/{digest}", b"")
        with self._lock:
            self._done.set(guid, digest)

    def forget(self, guid: str) -> None:
        """As Journal says."""
        with self._lock:
            known = self._done.knows(guid)
            if known:
                self._done.set(guid, FORGOTTEN)
        if known:
            self._storage.delete_below(f"{self._folder}/{guid}")


def open_journal(home: Home, process_hash: str) -> Journal:
    """Opens the home's journal."""
    place = home.journal
    return Journal(place, process_hash) if isinstance(place, Path) else Markers(home.storage, str(place), process_hash)


def _line(guid: str, digest: str) -> bytes:
    return f"{guid}\t{digest}\n".encode()


def _read(path: Path) -> Known:
    """Gives what is done, and shortens the journal to these lines."""
    if not path.exists():
        return Known(())
    done = Known(_lines(path))
    if path.stat().st_size and (_torn(path) or sum(1 for _ in _lines(path)) > done.count):
        _shorten(path, done)
    return done


def _shorten(path: Path, done: Known) -> None:
    shorter, left = path.with_name(f"{path.name}.part"), Known(_lines(path))
    with shorter.open("wb") as file:
        for guid, digest in _lines(path):
            if digest and left.has(guid, digest):
                left.set(guid, FORGOTTEN)  # so that an equal line is not written twice
                file.write(_line(guid, digest))
    shorter.replace(path)


def _lines(path: Path) -> Iterator[tuple[str, str]]:
    """The whole lines; one that was torn by a kill or a full disk has no end."""
    with path.open("rb") as file:
        for line in file:
            guid, tab, digest = line.decode("utf-8", "replace").rstrip("\n").partition("\t")
            if tab and line.endswith(b"\n"):
                yield guid, digest


def _torn(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read() != b"\n"
