"""Folders of S3 that never change, such as a run's model, kept on this machine."""

import hashlib
import os
import shutil
from pathlib import Path

from finetune.errors import StorageError
from finetune.storage.disk import disk_errors
from finetune.storage.lock import locked
from finetune.storage.storage import storage_of
from finetune.storage.uri import is_s3, join


def local_folder(place: str) -> Path:
    """Gives a folder as a local one; one in S3 is fetched once into `$XDG_CACHE_HOME/finetune` (~/.cache).

    Raises:
        StorageError: There is nothing below the place, or S3 cannot be read.
    """
    if not is_s3(place):
        return Path(place)
    cache = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "finetune"
    target = cache / hashlib.sha256(place.encode()).hexdigest()[:32]
    with disk_errors(f"fetch {place} into {cache}", cache), locked(target.with_suffix(".lock"), f"the copy of {place}"):
        if not target.exists():
            _fetch(place, target)
    return target


def _fetch(place: str, target: Path) -> None:
    storage, part = storage_of(place), target.with_suffix(".part")
    shutil.rmtree(part, ignore_errors=True)
    for name in storage.below(place):
        (part / name).parent.mkdir(parents=True, exist_ok=True)
        storage.fetch(join(place, name), part / name)
    if not part.exists():
        raise StorageError(f"fetch {place}: there is nothing; was it removed?")
    part.rename(target)
