"""Storage in S3. An object appears whole or not at all, so nothing needs a scratch name there.

S3 knows no SHA-256 of what it holds, and an ETag is none: what this project writes carries its hash, and the version
of the source that it was copied from, as the object's metadata. A foreign object is read to know its hash.
"""

import os
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from itertools import groupby
from pathlib import Path

from finetune.storage.bulk import PAGE
from finetune.storage.client import THREADS
from finetune.storage.digest import SHA256, Digest
from finetune.storage.disk import disk_errors
from finetune.storage.listing import ListedFile
from finetune.storage.object import Object, etag_of
from finetune.storage.objects import Objects
from finetune.storage.parallel_listing import pages_in_parallel
from finetune.storage.plan import Copy
from finetune.storage.s3_copy import copy
from finetune.storage.s3_lock import S3Lock, S3Locked
from finetune.storage.staging import staged
from finetune.storage.storage import Found
from finetune.storage.uri import S3Uri, join

CLAIM = ".claim"
LISTINGS = 4
"""Parts of a batch that are looked for at home at the same time."""


class S3Storage:
    """See Storage."""

    def __init__(self) -> None:
        self._objects = Objects()
        self._etags: dict[str, _Etags] = {}
        """Of the folders of homes, which are looked at a batch at a time."""

    def list_ids(self, folder: str, names: Sequence[str]) -> Iterator[tuple[str, list[ListedFile]]]:
        """As Storage says, in any order; a request for a thousand objects, eight at the same time."""
        place, hashes = S3Uri.parse(folder), _Etags(self._objects)
        for page in pages_in_parallel(self._objects, place):
            known = hashes.of(place, page)
            for guid, found in groupby(page, lambda each: each.path.partition("/")[0]):
                files = {each.path.partition("/")[2]: each for each in found if "/" in each.path}
                if files:
                    yield guid, [_listed(name, files[name], known) for name in names if name in files]

    def at_home(self, folder: str, guids: Sequence[str], names: Sequence[str]) -> dict[str, ListedFile]:
        """As Storage says, by listing from first to last of each few ids: those that lie together cost little."""
        place, size = S3Uri.parse(folder), max(1, PAGE // max(1, len(names)))
        hashes = self._etags.setdefault(folder, _Etags(self._objects))
        parts = [guids[start : start + size] for start in range(0, len(guids), size)]
        with ThreadPoolExecutor(LISTINGS) as pool:
            found = list(pool.map(lambda part: list(self._among(place, part, names)), parts))
        known = hashes.of(place, [each for page in found for each in page])
        return {
            join(folder, each.path): _listed(each.path.partition("/")[2], each, known)
            for page in found
            for each in page
        }

    def _among(self, place: S3Uri, guids: Sequence[str], names: Sequence[str]) -> Iterator[Object]:
        """Yields those of these files of these ids that are there."""
        wanted = {f"{guid}/{name}" for guid in guids for name in names}
        ends = [*guids, *(f"{guid}/" for guid in guids)]  # S3 orders keys, and others the names of folders
        last = max(ends)
        for page in self._objects.bulk_pages(place, min(ends)[:-1]):
            found = [each for each in page if each.path in wanted]
            yield from found
            wanted.difference_update(each.path for each in found)
            if not wanted or (page and page[-1].path.partition("/")[0] > last):
                return

    def folders(self, folder: str) -> list[str]:
        """As Storage says."""
        return self._objects.folders(S3Uri.parse(folder))

    def below(self, folder: str) -> Iterator[str]:
        """As Storage says."""
        return (each.path for each in self._objects.below(S3Uri.parse(folder)))

    def gone_and_newer(
        self, folder: str, guids: Sequence[str], names: Sequence[str], than: str
    ) -> tuple[list[str], list[str]]:
        """As Storage says, by one listing; S3 tells times in seconds."""
        limit = self._objects.head(S3Uri.parse(than))
        times = {each.path: each.modified for each in self._objects.below(S3Uri.parse(folder))}
        wanted = [f"{guid}/{name}" for guid in guids for name in names]
        newer = [place for place in wanted if limit is not None and place in times and times[place] > limit.modified]
        return [place for place in wanted if place not in times], newer

    def exists(self, path: str) -> bool:
        """As Storage says."""
        return self._objects.head(S3Uri.parse(path)) is not None

    def find(self, path: str) -> Found | None:
        """As Storage says; the hash is the kept one, or that of the content, which is then read."""
        found = self._objects.head(S3Uri.parse(path))
        return None if found is None else Found(found.size, lambda: found.sha256 or self.hash(path))

    def hash(self, path: str, version: str | None = None) -> str:
        """As Storage says; another version than the listed one is refused."""
        return self._objects.digest(S3Uri.parse(path), SHA256, version).value

    def holds(self, path: str, file: Copy) -> bool:
        """As Storage says, by what the object's metadata keep; a foreign object is read."""
        uri = S3Uri.parse(path)
        found = self._objects.head(uri)
        if found is None:
            return False
        kept = [digest.value for digest in found.kept if digest.kind == file.digest.kind]
        if found.source is not None and found.source == etag_of(file.version):
            return True
        return file.digest.value in kept if kept else self._objects.digest(uri, file.digest.kind) == file.digest

    def read(self, path: str) -> bytes | None:
        """As Storage says."""
        return self._objects.read(S3Uri.parse(path))

    def write(self, path: str, content: bytes) -> None:
        """As Storage says."""
        self._objects.write(S3Uri.parse(path), content)

    def claim(self, folder: str) -> bool:
        """As Storage says, by an object made with If-None-Match."""
        return self._objects.write_if_absent(S3Uri.parse(folder) / CLAIM, uuid.uuid4().hex.encode())

    def copy(self, file: Copy, *, scratch: str) -> None:
        """As Storage says; see s3_copy."""
        copy(self._objects, file)

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
            digest, size = Digest.of_file(source), source.stat().st_size
        copy(self._objects, Copy(str(source), path, size, "", digest))

    def delete(self, path: str) -> None:
        """As Storage says."""
        self._objects.delete(S3Uri.parse(path))

    def delete_below(self, folder: str) -> None:
        """As Storage says."""
        for name in self.below(folder):
            self.delete(f"{folder}/{name}")

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


class _Etags:
    """Whether the ETags of a listing are hashes of content: not where a key encrypts, which a listing does not tell."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._known: bool | None = None

    def of(self, folder: S3Uri, page: Sequence[Object]) -> bool:
        """Asks for the first object of the first page that is not empty; the others are taken to be as it is."""
        if self._known is None and page:
            found = self._objects.head(folder / page[0].path)
            self._known = found is not None and not found.encrypted
        return bool(self._known)


def _listed(name: str, found: Object, known: bool) -> ListedFile:
    return ListedFile(name, found.size, found.version, Digest.of_etag(found.etag) if known else None)
