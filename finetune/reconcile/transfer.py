"""Brings one id home: copies its files, calls process_func, and says what lies there afterwards."""

import os
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from finetune.calls import raised
from finetune.errors import ReconcileError
from finetune.reconcile.journal import Journal
from finetune.reconcile.manifest import PROCESS_FUNC, FileAtHome
from finetune.storage.disk import full_disk
from finetune.storage.plan import decide
from finetune.storage.storage import Held, Storage, storage_of
from finetune.storage.uri import join

ProcessFunc = Callable[[dict[str, Any], dict[str, str], str, bool], Any]


@dataclass(frozen=True)
class Transfer:
    """How ids come home; one object serves all ids and all threads.

    Paths are strings here, because making Path objects costs as much as the system calls on a small file.
    """

    storage: Storage
    """That of the home."""
    production: str
    reconciled: str
    scratch: str
    """Local folder for what is not complete yet."""
    files_from_production: Sequence[str]
    files_at_home: Sequence[str]
    process_func: ProcessFunc | None
    overwrite: bool
    journal: Journal
    lock: Held
    """The home's."""
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
            StorageError: The home's lock was lost.
        """
        self.lock.check()
        self._copy_all(row["guid"], hashes)
        self._process(row, hashes)
        return self._files(row["guid"], hashes)

    def repair(self, row: Mapping[str, Any], hashes: Mapping[str, str]) -> list[FileAtHome]:
        """Copies and processes one id again because files are missing, and lists its files at home."""
        self.journal.forget(row["guid"])
        return self.bring_home(row, hashes)

    def _copy_all(self, guid: str, hashes: Mapping[str, str]) -> None:
        folder = join(self.reconciled, guid)
        self.storage.make_folder(folder)
        for name in self.files_from_production:
            source, destination = join(self.production, guid, name), join(folder, name)
            if self._must_copy(source, destination, hashes[name]):
                self.journal.forget(guid)  # what process_func made of the file before may be as wrong as the file
                self.storage.copy(source, destination, hashes[name], scratch=self._scratch_file())

    def _must_copy(self, source: str, destination: str, digest: str) -> bool:
        size, at_home = storage_of(source).size(source), self.storage.find(destination)
        decision = decide(
            size, digest, at_home.size if at_home else None, at_home.hash if at_home else str, self.overwrite
        )
        with self._lock:
            self.decisions[decision] += 1
        return decision.copies

    def _scratch_file(self) -> str:
        return os.path.join(self.scratch, str(threading.get_ident()))

    def _process(self, row: Mapping[str, Any], hashes: Mapping[str, str]) -> None:
        if self.process_func is None:
            return
        guid, digest = row["guid"], self.journal.digest(row, hashes)
        if self.journal.has(guid, digest):
            return
        self.journal.forget(guid)
        home = join(self.reconciled, guid)
        with self.storage.staged(home, self.scratch) as folder:
            files = {name: join(folder, name) for name in self.files_from_production}
            try:
                # overwrite is True: what lies there is absent, torn by a kill, or made from another row or function
                self.process_func(dict(row), files, folder, True)
            except Exception as error:
                raise _process_failed(error, guid, home, folder) from error
            self.lock.check()  # before what it wrote is put in place, since it may have taken long
        self.journal.add(guid, digest)

    def _files(self, guid: str, hashes: Mapping[str, str]) -> list[FileAtHome]:
        """Lists those of files_at_home that an id has."""
        return [found for name in self.files_at_home if (found := self._file(guid, name, hashes)) is not None]

    def _file(self, guid: str, name: str, hashes: Mapping[str, str]) -> FileAtHome | None:
        path = join(self.reconciled, guid, name)
        found = self.storage.find(path)
        if found is None:
            return None
        place = f"{guid}/{name}"
        if name in hashes:
            return FileAtHome(place, found.size, hashes[name], source=place)
        return FileAtHome(place, found.size, found.hash(), source=PROCESS_FUNC)


def _process_failed(error: Exception, guid: str, home: str, folder: str) -> ReconcileError:
    advice = "mend functions.py or the file, and start again: what is done already stays"
    return ReconcileError(
        f"{raised('process_func', error)} for id {guid} in {home}; {full_disk(error, folder) or advice}"
    )
