"""Files of some ids as local ones: in place on a local disk, fetched for as long as they are read from S3."""

import os
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from finetune.errors import PrepareError
from finetune.shards.plan import Unit
from finetune.storage.storage import storage_of
from finetune.storage.uri import is_s3, join

THREADS = 8


@contextmanager
def staged(folder: str, units: Sequence[Unit], here: str | None = None) -> Iterator[str]:
    """Gives a local folder that holds `<guid>/<name>` of these ids; guids may have folders of their own.

    Args:
        folder: The folder of all ids.
        units: These ids.
        here: A local folder in which these files lie already.

    Raises:
        FinetuneError: A file cannot be fetched, or has changed since it was listed.
    """
    if here is not None or not is_s3(folder):
        local = here or folder
        _refuse_changed(local, folder, units)
        yield local
        return
    storage = storage_of(folder)

    def fetch(name: str) -> None:
        target = Path(scratch, name)
        target.parent.mkdir(parents=True, exist_ok=True)
        storage.fetch(join(folder, name), target)

    names = [f"{unit.guid}/{file.name}" for unit in units for file in unit.files]
    with tempfile.TemporaryDirectory(prefix="part-") as scratch:
        with ThreadPoolExecutor(THREADS) as pool:
            for _ in pool.map(fetch, names):
                pass
        _refuse_changed(scratch, folder, units)
        yield scratch


def _refuse_changed(here: str, folder: str, units: Sequence[Unit]) -> None:
    for unit in units:
        for file in unit.files:
            inside = f"{unit.guid}/{file.name}"
            try:
                size = os.stat(join(here, inside)).st_size
            except FileNotFoundError:
                size = 0
            if size != file.size:
                raise PrepareError(
                    f"{join(folder, inside)} had {file.size:,} bytes when it was listed, but has {size:,} now; start "
                    f"the run again"
                )
