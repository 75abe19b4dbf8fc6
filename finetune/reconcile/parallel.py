"""Does one piece of work for many items in threads."""

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


def slice_of(left: int) -> int:
    """How many of the items that are left go to a thread together: pure."""
    return max(1, min(LONGEST_SLICE, left // WAITING))


def streamed(pool: ThreadPoolExecutor, work: Callable[[T], R], items: Iterable[T], count: int) -> Iterator[R]:
    """Yields the results in the order of the items, and holds few of either; at an error nothing more is started.

    Items go to a thread a slice at a time, because a future for each would cost as much as a small copy. Towards the
    end the slices become smaller, so that no thread still has many when the others have none (guided self-scheduling,
    Polychronopoulos and Kuck 1987, doi:10.1109/TC.1987.5009495).
    """
    left, rest = count, iter(items)
    futures: deque[Future[list[R]]] = deque()

    def work_on(items: list[T]) -> list[R]:
        return [work(item) for item in items]

    try:
        while True:
            while len(futures) < WAITING and (piece := list(islice(rest, slice_of(left)))):
                left -= len(piece)
                futures.append(pool.submit(work_on, piece))
            if not futures:
                return
            yield from futures.popleft().result()
    finally:
        for future in futures:
            future.cancel()
