"""One id's files of an S3 home as a local folder, for a function that takes paths; what it writes is uploaded."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import rmtree
from typing import TYPE_CHECKING

from finetune.storage.disk import disk_errors
from finetune.storage.object import Object
from finetune.storage.uri import S3Uri, join

if TYPE_CHECKING:
    from finetune.storage.s3 import S3Storage

State = dict[str, tuple[int, int, int, int]]


@contextmanager
def staged(
    storage: "S3Storage", below: Callable[[S3Uri], Iterator[Object]], folder: str, scratch: str
) -> Iterator[str]:
    """Fetches a folder's files, and afterwards makes the folder in S3 what the local one became.

    Where the work inside raises, nothing is uploaded.

    Args:
        storage: Where the folder lies.
        below: Lists the objects below a place.
        folder: The id's folder in S3.
        scratch: A local folder; the id's folder in it is removed at the end.
    """
    local = Path(scratch, S3Uri.parse(folder).name)
    try:
        with disk_errors(f"make the folder {local}", scratch):
            local.mkdir()
        for each in below(S3Uri.parse(folder)):
            (local / each.path).parent.mkdir(parents=True, exist_ok=True)
            storage.fetch(join(folder, each.path), local / each.path)
        before = _state(local)
        yield str(local)
        after = _state(local)
        for name in sorted(name for name in after if after[name] != before.get(name)):
            storage.put(local / name, join(folder, name))
        for name in sorted(before.keys() - after.keys()):
            storage.delete(join(folder, name))
    finally:
        rmtree(local, ignore_errors=True)


def _state(folder: Path) -> State:
    files = (path for path in folder.rglob("*") if path.is_file())
    stats = {path.relative_to(folder).as_posix(): path.stat() for path in files}
    return {name: (each.st_size, each.st_mtime_ns, each.st_ctime_ns, each.st_ino) for name, each in stats.items()}
