"""Storage in S3. An object appears whole or not at all, so nothing needs a scratch name there.

S3 knows no SHA-256 of what it holds, and an ETag is none: what this project writes carries its hash, and the version
of the source that it was copied from, as the object's metadata. A foreign object is read to know its hash.
"""

import hashlib
import os
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from itertools import groupby
from pathlib import Path

from finetune.errors import StorageError
from finetune.storage.client import THREADS
from finetune.storage.copy import hash_file
from finetune.storage.disk import disk_errors
from finetune.storage.listing import ListedFile
from finetune.storage.object import Object, etag_of
from finetune.storage.objects import Objects
from finetune.storage.s3_lock import S3Lock, S3Locked
from finetune.storage.staging import staged
from finetune.storage.storage import Found
from finetune.storage.uri import S3Uri, is_s3

CLAIM = ".claim"


class S3Storage:
    """See Storage."""

    def __init__(self) -> None:
        self._objects = Objects()
        self._hashed: dict[str, Object] = {}
        """What was read to know its hash, so that exactly this is copied."""

    def list_ids(self, folder: str, names: Sequence[str]) -> Iterator[tuple[str, list[ListedFile]]]:
        """As Storage says, in order; one request a thousand objects."""
        for guid, found in groupby(self._objects.below(S3Uri.parse(folder)), lambda each: each.path.partition("/")[0]):
            files = {each.path.partition("/")[2]: each for each in found}
            if guid not in files and any("/" in each.path for each in files.values()):
                yield guid, [ListedFile(name, files[name].size, files[name].version) for name in names if name in files]

    def folders(self, folder: str) -> list[str]:
        """As Storage says."""
        return self._objects.folders(S3Uri.parse(folder))

    def below(self, folder: str) -> Iterator[str]:
        """As Storage says."""
        return (each.path for each in self._objects.below(S3Uri.parse(folder)))

    def missing(self, folder: str, guids: Sequence[str], names: Sequence[str]) -> list[str]:
        """As Storage says, by one listing."""
        there = set(self.below(folder))
        return [place for guid in guids for name in names if (place := f"{guid}/{name}") not in there]

    def exists(self, path: str) -> bool:
        """As Storage says."""
        return self._objects.head(S3Uri.parse(path)) is not None

    def size(self, path: str) -> int:
        """As Storage says."""
        found = self._hashed.get(path) or self._objects.head(S3Uri.parse(path))
        if found is None:
            raise StorageError(f"{path} was listed in production but is not there now; start the run again")
        return found.size

    def find(self, path: str) -> Found | None:
        """As Storage says; the hash is the kept one, or that of the content, which is then read."""
        found = self._objects.head(S3Uri.parse(path))
        return None if found is None else Found(found.size, lambda: found.sha256 or self.hash(path))

    def hash(self, path: str, version: str | None = None) -> str:
        """As Storage says; another version than the listed one is refused."""
        digest = hashlib.sha256()

        def begin() -> None:
            nonlocal digest
            digest = hashlib.sha256()

        self._hashed[path] = self._objects.stream(
            S3Uri.parse(path), lambda chunk: digest.update(chunk), begin=begin, etag=version
        )
        return digest.hexdigest()

    def read(self, path: str) -> bytes | None:
        """As Storage says."""
        return self._objects.read(S3Uri.parse(path))

    def write(self, path: str, content: bytes) -> None:
        """As Storage says."""
        self._objects.write(S3Uri.parse(path), content)

    def claim(self, folder: str) -> bool:
        """As Storage says, by an object made with If-None-Match."""
        return self._objects.write_if_absent(S3Uri.parse(folder) / CLAIM, uuid.uuid4().hex.encode())

    def copy(self, source: str, destination: str, expected_hash: str, *, scratch: str) -> None:
        """As Storage says; from S3 the server copies, and only the version that was hashed."""
        if is_s3(source):
            version = self._hashed.get(source) or self._objects.head(S3Uri.parse(source))
            if version is None:
                raise StorageError(f"copy {source} -> {destination}: the source is gone; start the run again")
            self._objects.copy(S3Uri.parse(source), version, S3Uri.parse(destination), expected_hash)
        else:
            self._objects.put(Path(source), S3Uri.parse(destination), expected_hash)

    def known_hash(self, path: str, version: str) -> str | None:
        """As Storage says, from the object's metadata."""
        found = self._objects.head(S3Uri.parse(path))
        return found.sha256 if found is not None and found.source == etag_of(version) else None

    def fetch(self, path: str, target: Path) -> None:
        """As Storage says."""
        part = target.with_name(f".{target.name}.part")
        with disk_errors(f"copy {path} -> {target}", target.parent), part.open("wb") as file:

            def begin() -> None:
                file.seek(0)
                file.truncate()

            self._objects.stream(S3Uri.parse(path), file.write, begin=begin)
        with disk_errors(f"copy {path} -> {target}", target.parent):
            os.replace(part, target)

    def put(self, source: Path, path: str) -> None:
        """As Storage says."""
        with disk_errors(f"read {source}", source):
            digest = hash_file(source)
        self._objects.put(source, S3Uri.parse(path), digest)

    def delete(self, path: str) -> None:
        """As Storage says."""
        self._objects.delete(S3Uri.parse(path))

    def make_folder(self, folder: str) -> None:
        """Nothing: S3 has no folders."""

    def locked(self, path: str, what: str) -> AbstractContextManager[S3Locked]:
        """As Storage says; see S3Lock."""
        return S3Lock(self._objects, S3Uri.parse(path)).locked(what)

    def try_locked(self, path: str) -> AbstractContextManager[S3Locked | None]:
        """As Storage says."""
        return S3Lock(self._objects, S3Uri.parse(path)).try_locked()

    @contextmanager
    def scratch(self, folder: str) -> Iterator[str]:
        """As Storage says: a temporary folder of this machine."""
        with tempfile.TemporaryDirectory(prefix="finetune-") as scratch:
            yield scratch

    def staged(self, folder: str, scratch: str) -> AbstractContextManager[str]:
        """As Storage says."""
        return staged(self, self._objects.below, folder, scratch)

    @contextmanager
    def at_hand(self, folder: str, guids: Sequence[str], names: Sequence[str]) -> Iterator[str]:
        """As Storage says: fetched by several threads, and removed afterwards."""

        def bring(guid: str) -> None:
            target = Path(scratch, guid)
            target.mkdir()
            for name in names:
                self.fetch(f"{folder}/{guid}/{name}", target / name)

        with self.scratch(folder) as scratch, ThreadPoolExecutor(THREADS) as pool:
            for _ in pool.map(bring, dict.fromkeys(guids)):
                pass
            yield scratch
