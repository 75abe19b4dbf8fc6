"""Brings ids home, a batch at a time: copies their files together, calls process_func, and says what lies there."""

import os
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from finetune.calls import raised
from finetune.errors import ReconcileError
from finetune.reconcile.journal import Journal
from finetune.reconcile.manifest import PROCESS_FUNC, FileAtHome, HashFrom
from finetune.reconcile.parallel import streamed
from finetune.storage.digest import Digest
from finetune.storage.disk import full_disk
from finetune.storage.failures import Failures, ObjectError
from finetune.storage.listing import ListedFile
from finetune.storage.plan import Copy, Decision, compared, plan
from finetune.storage.storage import Held, Storage, storage_of
from finetune.storage.uri import join

ProcessFunc = Callable[[dict[str, Any], dict[str, str], str, bool], Any]


class Source(NamedTuple):
    """A file of production as it is to be copied."""

    path: str
    size: int
    version: str
    digest: Digest
    """What its content must be."""
    hash_from: HashFrom


Item = tuple[Mapping[str, Any], Sequence[Source]]
"""Label row and files of an id; files in the order of files_from_production."""
Batch = Sequence[Item]
There = Mapping[str, ListedFile]
"""Files that lie somewhere, by place."""
AtHome = list[tuple[str, list[FileAtHome]]]
"""Guid and files at home of each id that came home, in the order of the batch."""


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
    pool: ThreadPoolExecutor
    decisions: Counter[str] = field(default_factory=Counter)
    failures: Failures = field(default_factory=Failures)
    """Files that could not be copied."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def look(self, batch: Batch) -> There:
        """What is at home of files_from_production of these ids."""
        guids = [row["guid"] for row, _ in batch]
        return self.storage.at_home(self.reconciled, guids, self.files_from_production) if guids else {}

    def bring_home(self, batch: Batch, there: There) -> AtHome:
        """Copies and processes ids, and lists their files at home.

        Args:
            batch: The ids.
            there: What `look` found of them.

        Returns:
            What is there of files_at_home; less than all if process_func did not write a file. An id of which a file
            could not be copied is left out, and its failure is in `failures`.

        Raises:
            ReconcileError: The disk is full, an id's folder is a link, or process_func raised.
            StorageError: The home's lock was lost, or S3 fails for all files.
        """
        if not batch:
            return []
        self.lock.check()
        failed = self._copy_all(batch, there)
        came = [item for item in batch if item[0]["guid"] not in failed]
        return list(streamed(self.pool, self._finish, came, len(came)))

    def repair(self, batch: Batch) -> AtHome:
        """Copies and processes ids again because files are missing, and lists their files at home."""
        for row, _ in batch:
            self.journal.forget(row["guid"])
        return self.bring_home(batch, self.look(batch))

    def refuse_failures(self) -> None:
        """Called at the end.

        Raises:
            ReconcileError: Files could not be copied; names the first of them, and where all are listed.
        """
        place = join(os.path.dirname(self.reconciled), "failed.jsonl")
        if not self.failures.count:
            self.storage.delete(place)
            return
        self.storage.put(self.failures.path, place)
        raise self.failures.error(place)

    def _copy_all(self, batch: Batch, there: There) -> set[str]:
        """Copies what must be copied, and gives the ids of which a file could not be."""
        for row, _ in batch:
            self.storage.make_folder(join(self.reconciled, row["guid"]))
        files = [(row["guid"], file) for row, sources in batch for file in self._copies(row, sources)]
        planned = list(plan((file for _, file in files), there, self.overwrite))
        todo = [(guid, *each) for (guid, _), each in zip(files, planned, strict=True) if each[1] is not Decision.SKIP]
        if len(todo) < len(planned):
            self.decisions[Decision.SKIP] += len(planned) - len(todo)
        return {guid for guid in streamed(self.pool, self._copy, todo, len(todo)) if guid is not None}

    def _copies(self, row: Mapping[str, Any], sources: Sequence[Source]) -> list[Copy]:
        folder = join(self.reconciled, row["guid"])
        named = zip(self.files_from_production, sources, strict=True)
        return [Copy(each.path, join(folder, name), each.size, each.version, each.digest) for name, each in named]

    def _copy(self, planned: tuple[str, Copy, Decision]) -> str | None:
        """Copies a file, if it must be; gives the id if it failed."""
        guid, file, decision = planned
        self.lock.check()
        try:
            if decision is Decision.COMPARE:
                decision = compared(self.storage.holds(file.destination, file))
            with self._lock:
                self.decisions[decision] += 1
            if decision.copies:
                self.journal.forget(guid)  # what process_func made of the file before may be as wrong as the file
                self.storage.copy(file, scratch=os.path.join(self.scratch, str(threading.get_ident())))
        except ObjectError as error:
            self.failures.add(error)
            return guid
        self.failures.succeeded()
        return None

    def _finish(self, item: Item) -> tuple[str, list[FileAtHome]]:
        row, sources = item
        by_name = dict(zip(self.files_from_production, sources, strict=True))
        guid = row["guid"]
        if self.process_func is None:
            return guid, self._at_home(guid, by_name, join(self.reconciled, guid))
        return guid, self._processed(row, by_name, self.process_func)

    def _processed(
        self, row: Mapping[str, Any], sources: Mapping[str, Source], process_func: ProcessFunc
    ) -> list[FileAtHome]:
        """The files at home, after a call of process_func if it has not seen and left exactly this before."""
        guid = row["guid"]
        home = join(self.reconciled, guid)
        if self.journal.knows(guid):
            found = self._at_home(guid, sources, home)
            if self.journal.has(guid, self._digest(row, sources, found)):
                return found
        self.lock.check()
        self.journal.forget(guid)
        with self.storage.staged(home, self.scratch) as folder:
            files = {name: join(folder, name) for name in self.files_from_production}
            try:
                # overwrite is True: what lies there is absent, torn, edited, or made from another row or function
                process_func(dict(row), files, folder, True)
            except Exception as error:
                raise _process_failed(error, guid, home, folder) from error
            found = self._at_home(guid, sources, folder, processed=True)
            self.lock.check()  # before what it wrote is put in place, since it may have taken long
        self.journal.add(guid, self._digest(row, sources, found))
        return found

    def _digest(self, row: Mapping[str, Any], sources: Mapping[str, Source], found: Sequence[FileAtHome]) -> str:
        seen = {name: str(source.digest) for name, source in sources.items()}
        return self.journal.digest(row, seen, {file.path: file.hash for file in found})

    def _at_home(
        self, guid: str, sources: Mapping[str, Source], folder: str, *, processed: bool = False
    ) -> list[FileAtHome]:
        """Those of files_at_home that lie in an id's folder, or in its copy on this machine."""
        found = (self._file(guid, name, sources.get(name), folder, processed) for name in self.files_at_home)
        return [file for file in found if file is not None]

    def _file(self, guid: str, name: str, source: Source | None, folder: str, processed: bool) -> FileAtHome | None:
        """One of files_at_home; a copied file is looked for again only where process_func may have touched it."""
        place = f"{guid}/{name}"
        if source is not None and not processed:
            return FileAtHome(place, source.size, str(source.digest), place, source.hash_from)
        found = storage_of(folder).find(join(folder, name))
        if found is None:
            return None
        if source is not None:
            return FileAtHome(place, found.size, str(source.digest), place, source.hash_from)
        return FileAtHome(place, found.size, found.hash(), source=PROCESS_FUNC)


def _process_failed(error: Exception, guid: str, home: str, folder: str) -> ReconcileError:
    advice = "mend functions.py or the file, and start again: what is done already stays"
    return ReconcileError(
        f"{raised('process_func', error)} for id {guid} in {home}; {full_disk(error, folder) or advice}"
    )
