"""One storage type with a handful of verbs; whether a place is local or in S3 is resolved here, once."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import cache
from pathlib import Path
from typing import NamedTuple, Protocol

from finetune.storage.listing import ListedFile
from finetune.storage.plan import Copy
from finetune.storage.uri import Place, is_s3


class Found(NamedTuple):
    """A file that is there; its hash is asked for only where it decides."""

    size: int
    hash: Callable[[], str]
    """SHA-256 of the content as 64 hexadecimal digits."""


class Held(Protocol):
    """A lock that is held."""

    def check(self) -> None:
        """Raises a StorageError if it was lost."""


class Storage(Protocol):
    """Files by the text of their place. Each verb raises a FinetuneError that names places and cause.

    Listing, hashing and `find` take a place of this kind. `copy`, `fetch` and `put` cross kinds as they say.
    """

    def list_ids(self, folder: str, names: Sequence[str]) -> Iterator[tuple[str, list[ListedFile]]]:
        """Yields each id of a folder with those of its files that are called for."""

    def folders(self, folder: str) -> list[str]:
        """Names of the folders in a folder; none if it is absent."""

    def below(self, folder: str) -> Iterator[str]:
        """Yields the paths of all files below a folder, relative to it, in any order."""

    def gone_and_newer(
        self, folder: str, guids: Sequence[str], names: Sequence[str], than: str
    ) -> tuple[list[str], list[str]]:
        """Which `<guid>/<name>` are absent, and which were written after the file `than`, if that is there."""

    def exists(self, path: str) -> bool:
        """Whether a file is there."""

    def find(self, path: str) -> Found | None:
        """Size and hash of a regular file; None for an absent one."""

    def hash(self, path: str, version: str | None = None) -> str:
        """SHA-256 of a file's content; `version` is what a listing gave, where it is known."""

    def read(self, path: str) -> bytes | None:
        """A small file's content; None for an absent one."""

    def write(self, path: str, content: bytes) -> None:
        """Writes a small file; readers see the old or the new content, never a half."""

    def claim(self, folder: str) -> bool:
        """Makes a folder and says so, or says that it was there: of two processes one gets it."""

    def at_home(self, folder: str, guids: Sequence[str], names: Sequence[str]) -> Mapping[str, ListedFile]:
        """Which of these files of these ids are there, by place; a link counts as absent."""

    def holds(self, path: str, file: Copy) -> bool:
        """Whether what lies there has the content of this file."""

    def copy(self, file: Copy, *, scratch: str) -> None:
        """Copies a file of either kind here; refuses another version or content than the expected one.

        Args:
            file: What is copied, and where to.
            scratch: A local path on the destination's file system, where that is local, that nothing else uses.

        Raises:
            ObjectError: This file failed for good.
            FinetuneError: It cannot be copied for a reason that is not its own.
        """

    def known_hash(self, path: str, version: str) -> str | None:
        """The kept hash of that version of the source which was copied to `path`; None where none is kept."""

    def fetch(self, path: str, target: Path) -> None:
        """Copies a file of this kind to a local path; complete or absent."""

    def put(self, source: Path, path: str) -> None:
        """Copies a local file here; complete or absent."""

    def delete(self, path: str) -> None:
        """Removes a file, if it is there."""

    def delete_below(self, folder: str) -> None:
        """Removes a folder with all that is in it, if it is there."""

    def make_folder(self, folder: str) -> None:
        """Makes the folder of an id, where folders must be made."""

    def locked(self, path: str, what: str) -> AbstractContextManager[Held]:
        """Holds a lock, waiting for it and saying so while another process holds it."""

    def try_locked(self, path: str) -> AbstractContextManager[Held | None]:
        """Holds a lock if it is free; gives None if another process holds it."""

    def scratch(self, folder: str) -> AbstractContextManager[str]:
        """An empty local folder for what is not complete yet, from which files move into `folder` at once."""

    def staged(self, folder: str, scratch: str) -> AbstractContextManager[str]:
        """One id's folder as a local one; what appears or changes there lies in `folder` afterwards."""

    def at_hand(self, folder: str, guids: Sequence[str], names: Sequence[str]) -> AbstractContextManager[str]:
        """A local folder that holds these files of these ids, for reading."""


def storage_of(place: Place | str) -> Storage:
    """The storage that a place belongs to."""
    return _s3() if is_s3(place) else _local()


@cache
def _local() -> Storage:
    from finetune.storage.local import LocalStorage

    return LocalStorage()


@cache
def _s3() -> Storage:
    from finetune.storage.s3 import S3Storage

    return S3Storage()
