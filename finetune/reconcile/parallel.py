"""Does one piece of work for many items in threads, with progress."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from finetune.progress import track

T = TypeVar("T")
R = TypeVar("R")

LONGEST_SLICE = 64


def in_parallel(pool: ThreadPoolExecutor, work: Callable[[T], R], items: Sequence[T], what: str) -> list[R]:
    """Gives the results in the order of the items; at the first error nothing more is started.

    Items go to a thread a slice at a time, because a future for each would cost as much as a small copy.
    """
    size = max(1, min(LONGEST_SLICE, len(items) // LONGEST_SLICE))

    def work_on(start: int) -> list[R]:
        return [work(item) for item in items[start : start + size]]

    futures = [pool.submit(work_on, start) for start in range(0, len(items), size)]
    try:
        return list(track((result for future in futures for result in future.result()), what, len(items)))
    finally:
        for future in futures:
            future.cancel()
