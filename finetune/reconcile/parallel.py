"""Does one piece of work for many items in threads, and makes items ready while others are worked on."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

LONGEST_SLICE = 64
WAITING = 64
"""Slices that are handed out before the first of them is taken back."""


def streamed(pool: ThreadPoolExecutor, work: Callable[[T], R], items: Iterable[T], count: int) -> Iterator[R]:
    """Yields the results in the order of the items, and holds few of either; at an error nothing more is started.

    Items go to a thread a slice at a time, because a future for each would cost as much as a small copy.
    """
    size, rest = max(1, min(LONGEST_SLICE, count // LONGEST_SLICE)), iter(items)
    futures: deque[Future[list[R]]] = deque()

    def work_on(items: list[T]) -> list[R]:
        return [work(item) for item in items]

    try:
        while True:
            while len(futures) < WAITING and (piece := list(islice(rest, size))):
                futures.append(pool.submit(work_on, piece))
            if not futures:
                return
            yield from futures.popleft().result()
    finally:
        for future in futures:
            future.cancel()


def ahead(items: Iterator[T]) -> Iterator[T]:
    """Yields the items; a thread makes the next one ready while the caller works on one."""
    thread = ThreadPoolExecutor(1)
    try:
        coming = thread.submit(next, items, None)
        while (item := coming.result()) is not None:
            coming = thread.submit(next, items, None)
            yield item
    finally:
        thread.shutdown(wait=False)  # after an error nobody waits for an item that nobody wants
