"""Storage on local disks. What steps read lies in place, so staging and fetching a folder cost nothing."""

import os
import shutil
import stat
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from finetune.errors import ReconcileError
from finetune.storage.copy import copy_file, hash_file, scratch_folder
from finetune.storage.digest import Digest
from finetune.storage.disk import disk_errors
from finetune.storage.listing import ListedFile, list_ids
from finetune.storage.lock import Lasting, locked, try_locked
from finetune.storage.plan import Copy
from finetune.storage.storage import Found
from finetune.storage.uri import is_s3


class LocalStorage:
    """See Storage."""

    def list_ids(self, folder: str, names: Sequence[str]) -> Iterator[tuple[str, list[ListedFile]]]:
        """As Storage says; links are refused."""
        return list_ids(folder, names)

    def folders(self, folder: str) -> list[str]:
        """As Storage says."""
        return [path.name for path in Path(folder).glob("*") if path.is_dir()]

    def below(self, folder: str) -> Iterator[str]:
        """As Storage says."""
        return (path.relative_to(folder).as_posix() for path in Path(folder).rglob("*") if path.is_file())

    def gone_and_newer(
        self, folder: str, guids: Sequence[str], names: Sequence[str], than: str
    ) -> tuple[list[str], list[str]]:
        """As Storage says; what only the times of a file tell may be false, as after a backup."""
        limit = _written(than)
        times = {f"{guid}/{name}": _written(f"{folder}/{guid}/{name}") for guid in guids for name in names}
        gone = [place for place, time in times.items() if time is None]
        return gone, [place for place, time in times.items() if limit is not None and (time or 0) > limit]

    def exists(self, path: str) -> bool:
        """As Storage says; a link counts as what it leads to."""
        return os.path.isfile(path)

    def find(self, path: str) -> Found | None:
        """As Storage says; a link counts as absent, so that a copy replaces it."""
        size = _size(path)
        return None if size is None else Found(size, lambda: _hash(path))

    def hash(self, path: str, version: str | None = None) -> str:
        """As Storage says; the content is read whatever was listed.

        Raises:
            OSError: As in `write`.
        """
        return hash_file(path)

    def read(self, path: str) -> bytes | None:
        """As Storage says."""
        try:
            return Path(path).read_bytes()
        except FileNotFoundError:
            return None

    def write(self, path: str, content: bytes) -> None:
        """As Storage says.

        Raises:
            OSError: It cannot be written; the caller knows what that means.
        """
        target = Path(path)
        scratch = target.with_name(f".{target.name}.part")
        scratch.write_bytes(content)
        scratch.replace(target)

    def claim(self, folder: str) -> bool:
        """As Storage says; OSError as in `write`."""
        Path(folder).parent.mkdir(parents=True, exist_ok=True)
        try:
            os.mkdir(folder)
        except FileExistsError:
            return False
        return True

    def at_home(self, folder: str, guids: Sequence[str], names: Sequence[str]) -> dict[str, ListedFile]:
        """As Storage says."""
        places = ((f"{folder}/{guid}/{name}", name) for guid in guids for name in names)
        return {place: ListedFile(name, size, "") for place, name in places if (size := _size(place)) is not None}

    def holds(self, path: str, file: Copy) -> bool:
        """As Storage says."""
        with disk_errors(f"read {path}", path):
            return Digest.of_file(path, file.digest.kind) == file.digest

    def copy(self, file: Copy, *, scratch: str) -> None:
        """As Storage says."""
        if not is_s3(file.source):
            copy_file(file, scratch)
            return
        from finetune.storage.objects import Objects
        from finetune.storage.s3_copy import to_disk

        to_disk(Objects(), file, Path(scratch))
        with disk_errors(f"copy {file.source} -> {file.destination}", os.path.dirname(file.destination)):
            os.replace(scratch, file.destination)

    def known_hash(self, path: str, version: str) -> str | None:
        """None: a local file says nothing of where it came from."""
        return None

    def fetch(self, path: str, target: Path) -> None:
        """As Storage says."""
        with disk_errors(f"copy {path} -> {target}", target.parent):
            shutil.copyfile(path, target)

    def put(self, source: Path, path: str) -> None:
        """As Storage says."""
        self.fetch(str(source), Path(path))

    def delete(self, path: str) -> None:
        """As Storage says."""
        Path(path).unlink(missing_ok=True)

    def delete_below(self, folder: str) -> None:
        """As Storage says."""
        if os.path.isdir(folder):
            shutil.rmtree(folder)

    def make_folder(self, folder: str) -> None:
        """As Storage says; refuses a link, which would lead out of the home."""
        with disk_errors(f"make the folder {folder}", os.path.dirname(folder)):
            try:
                os.mkdir(folder)
            except FileExistsError:
                if not stat.S_ISDIR(os.lstat(folder).st_mode):
                    raise ReconcileError(
                        f"{folder} is a link or a file, so writing there would leave the experiment home; remove it"
                    ) from None

    def locked(self, path: str, what: str) -> AbstractContextManager[Lasting]:
        """As Storage says; the operating system keeps the lock."""
        return locked(Path(path), what)

    def try_locked(self, path: str) -> AbstractContextManager[Lasting | None]:
        """As Storage says."""
        return try_locked(Path(path))

    def scratch(self, folder: str) -> AbstractContextManager[str]:
        """As Storage says, on the same file system."""
        return scratch_folder(Path(folder))

    @contextmanager
    def staged(self, folder: str, scratch: str) -> Iterator[str]:
        """The folder itself."""
        yield folder

    @contextmanager
    def at_hand(self, folder: str, guids: Sequence[str], names: Sequence[str]) -> Iterator[str]:
        """The folder itself."""
        yield folder


def _written(path: str) -> int | None:
    """When a file was last written or put in place, in nanoseconds; None where there is none."""
    try:
        status = os.stat(path)
    except FileNotFoundError:
        return None
    # ctime too: a copy may bring an older time of modification along
    return max(status.st_mtime_ns, status.st_ctime_ns)


def _size(path: str) -> int | None:
    try:
        status = os.lstat(path)
    except FileNotFoundError:
        return None
    return status.st_size if stat.S_ISREG(status.st_mode) else None


def _hash(path: str) -> str:
    with disk_errors(f"read {path}", path):
        return hash_file(path)
