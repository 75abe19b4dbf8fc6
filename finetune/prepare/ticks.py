"""Progress of work in other processes: a file that grows by one byte per finished item."""

import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from finetune.progress import Progress

SECONDS_BETWEEN_LOOKS = 0.5


@contextmanager
def ticks(what: str, total: int) -> Iterator[str]:
    """Gives the path of a file; while the context lasts, its growth through `tick` is shown as progress."""
    with tempfile.NamedTemporaryFile(prefix="ticks-") as file, Progress(what, total) as progress:
        ended = threading.Event()
        watcher = threading.Thread(target=_watch, args=(file.name, progress, ended), daemon=True)
        watcher.start()
        try:
            yield file.name
        finally:
            ended.set()
            watcher.join()
            progress.advance_to(os.path.getsize(file.name))


def _watch(path: str, progress: Progress, ended: threading.Event) -> None:
    while not ended.wait(SECONDS_BETWEEN_LOOKS):
        progress.advance_to(os.path.getsize(path))


def tick(path: str, count: int) -> None:
    """Says that `count` more items are finished; appends are atomic across processes."""
    with open(path, "ab", buffering=0) as file:
        file.write(b"." * count)
