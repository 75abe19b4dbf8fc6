"""Peak memory of a piece of work: the process and its children, sampled while it runs."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psutil

SECONDS_BETWEEN_SAMPLES = 0.1  # a sample costs some ms, as it looks for children among all processes
MB = 1_000_000


@dataclass
class Peak:
    """The highest resident memory above the start, in MB; complete once the work is done."""

    megabytes: float = 0.0


@contextmanager
def peak_memory() -> Iterator[Peak]:
    """Samples the resident memory while the context lasts; pages shared with a child count in both."""
    peak, start, ended = Peak(), _resident(), threading.Event()

    def watch() -> None:
        while not ended.wait(SECONDS_BETWEEN_SAMPLES):
            peak.megabytes = max(peak.megabytes, (_resident() - start) / MB)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield peak
    finally:
        ended.set()
        watcher.join()


def _resident() -> int:
    process = psutil.Process()
    return process.memory_info().rss + sum(_of_child(child) for child in process.children(recursive=True))


def _of_child(child: psutil.Process) -> int:
    try:
        return child.memory_info().rss
    except psutil.NoSuchProcess:  # it ended between listing and look
        return 0
