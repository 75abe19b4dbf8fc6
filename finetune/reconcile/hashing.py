"""Reads files of production to know their hashes, in threads."""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from finetune.experiment import Home
from finetune.progress import track
from finetune.reconcile.parallel import streamed
from finetune.storage.digest import SHA256, Digest
from finetune.storage.disk import disk_errors
from finetune.storage.listing import ListedFile
from finetune.storage.storage import storage_of
from finetune.storage.uri import join

Id = tuple[str, Sequence[ListedFile]]


class Hashing:
    """SHA-256 of files. Where S3 keeps it beside a copy of the same version at home, it is taken from there."""

    def __init__(self, production: str, home: Home, pool: ThreadPoolExecutor) -> None:
        self._production, self._pool, self._at_home = production, pool, home.storage
        self._reconciled = str(home.reconciled)
        self._resumed = any(True for _ in self._at_home.below(self._reconciled))

    def all(self, ids: Iterable[Id], count: int) -> Iterator[tuple[str, list[Digest]]]:
        """Yields each id with the hashes of its files, in order, and shows how far it is."""
        return track(streamed(self._pool, self._one, ids, count), "hash ids that others equal in size", count)

    def some(self, ids: Sequence[Id]) -> list[tuple[str, list[Digest]]]:
        """Gives the same of a few ids."""
        return list(streamed(self._pool, self._one, ids, len(ids)))

    def _one(self, found: Id) -> tuple[str, list[Digest]]:
        guid, files = found
        with disk_errors(f"read id {guid} of production", self._production):
            return guid, [Digest(SHA256, self._hash(guid, file)) for file in files]

    def _hash(self, guid: str, file: ListedFile) -> str:
        place = join(self._reconciled, guid, file.name)
        known = self._at_home.known_hash(place, file.version) if self._resumed else None
        return known or storage_of(self._production).hash(join(self._production, guid, file.name), file.version)
