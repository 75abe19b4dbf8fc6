"""Brings one id home: copies its files, calls process_func, and says what lies there afterwards."""

import os
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from finetune.errors import FinetuneError, ReconcileError
from finetune.reconcile.journal import Journal
from finetune.reconcile.manifest import PROCESS_FUNC, FileAtHome
from finetune.storage.copy import copy_file, hash_file
from finetune.storage.plan import decide

ProcessFunc = Callable[[dict[str, Any], dict[str, str], str, bool], Any]


@dataclass(frozen=True)
class Transfer:
    """How ids come home; one object serves all ids and all threads."""

    production: Path
    reconciled: Path
    files_from_production: Sequence[str]
    files_at_home: Sequence[str]
    process_func: ProcessFunc | None
    overwrite: bool
    journal: Journal
    decisions: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def bring_home(self, row: Mapping[str, Any], hashes: Mapping[str, str]) -> list[FileAtHome]:
        """Copies and processes one id, and lists its files at home.

        Args:
            row: The id's label row.
            hashes: SHA-256 of each of its files in production.

        Returns:
            What is there of files_at_home; less than all if process_func did not write a file.

        Raises:
            ReconcileError: A file cannot be copied, the folder is a link, or process_func raised.
        """
        digest = self.journal.digest(row, hashes)
        self._copy_all(row["guid"], hashes)
        if self.overwrite or not self.journal.has(row["guid"], digest):
            self._process(row)
            self.journal.add(row["guid"], digest)
        return self._files(row["guid"], hashes)

    def repair(self, row: Mapping[str, Any], hashes: Mapping[str, str]) -> list[FileAtHome]:
        """Copies and processes one id again because files are missing, and lists its files at home."""
        self._copy_all(row["guid"], hashes)
        self._process(row)
        return self._files(row["guid"], hashes)

    def _copy_all(self, guid: str, hashes: Mapping[str, str]) -> None:
        folder = self.reconciled / guid
        _make_folder(folder)
        for name in self.files_from_production:
            self._copy(self.production / guid / name, folder / name, hashes[name])

    def _process(self, row: Mapping[str, Any]) -> None:
        if self.process_func is None:
            return
        folder = self.reconciled / row["guid"]
        files = {name: str(folder / name) for name in self.files_from_production}
        try:
            # overwrite is True: what lies there is absent, torn by a kill, or made from another row or function
            self.process_func(dict(row), files, str(folder), True)
        except FinetuneError:
            raise
        except Exception as error:
            raise ReconcileError(
                f"process_func raised {type(error).__name__}: {error} for id {row['guid']} in {folder}; "
                f"mend functions.py or the file and start again: what is done already stays"
            ) from error

    def _files(self, guid: str, hashes: Mapping[str, str]) -> list[FileAtHome]:
        """Lists those of files_at_home that an id has."""
        return [found for name in self.files_at_home if (found := self._file(guid, name, hashes)) is not None]

    def _file(self, guid: str, name: str, hashes: Mapping[str, str]) -> FileAtHome | None:
        path = self.reconciled / guid / name
        size = _size(path)
        if size is None:
            return None
        place = f"{guid}/{name}"
        if name in hashes:
            return FileAtHome(place, size, hashes[name], source=place)
        return FileAtHome(place, size, hash_file(path), source=PROCESS_FUNC)

    def _copy(self, source: Path, destination: Path, digest: str) -> None:
        try:
            size = os.stat(source).st_size
        except FileNotFoundError as error:
            raise ReconcileError(
                f"{source} vanished from production after it was listed; start the run again"
            ) from error
        decision = decide(size, digest, _size(destination), lambda: hash_file(destination), self.overwrite)
        with self._lock:
            self.decisions[decision] += 1
        if decision.copies:
            copy_file(source, destination, digest)


def _size(path: Path) -> int | None:
    """Size of a regular file; None for an absent one, and for a link, which is then replaced by a copy."""
    return path.lstat().st_size if path.is_file() and not path.is_symlink() else None


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise ReconcileError(f"cannot make the folder {folder}: {error.strerror}") from error
    if folder.is_symlink():
        raise ReconcileError(f"{folder} is a link, so writing there would leave the experiment home; remove it")
