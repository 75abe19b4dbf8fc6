"""Lists a place in S3 by several threads, as a stream: a range of keys is divided whenever a thread has nothing to do.

S3 gives a thousand keys a request, and the next request needs the last key of the one before; ten million objects
would be ten thousand waits after each other.
"""

import threading
from collections.abc import Iterator
from queue import Full, Queue

from finetune.storage.object import Object
from finetune.storage.objects import Objects
from finetune.storage.split import disputed, middle
from finetune.storage.uri import S3Uri

THREADS = 8
WAITING = 16
"""Pages that wait to be taken; then listing waits too, so memory is bounded."""
ALONE = 16
"""Pages that one thread lists before the rest is divided: fewer would cost more in divisions than they gain."""
LOOK_S = 0.2


class _Range:
    """Keys after one and up to another that one thread lists."""

    def __init__(self, after: str, upto: str | None) -> None:
        self.after, self.upto = after, upto


def pages_in_parallel(objects: Objects, folder: S3Uri, alone: int = ALONE) -> Iterator[list[Object]]:
    """Yields all objects below a place, about a page at a time.

    All objects of an id, in order, are in one piece; the pieces come in any order. The first `alone` pages are listed
    one after the other.

    Raises:
        StorageError: S3 cannot be listed.
    """
    listing = _Listing(objects, folder, alone)
    threads = [threading.Thread(target=listing.work, daemon=True) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    try:
        while (found := listing.found.get()) is not None:
            if isinstance(found, BaseException):
                raise found
            yield found
    finally:
        listing.end()
        for thread in threads:
            thread.join()


class _Listing:
    """A listing at work: ranges that wait for a thread, and what was found."""

    def __init__(self, objects: Objects, folder: S3Uri, alone: int) -> None:
        self.found: Queue[list[Object] | BaseException | None] = Queue(WAITING)
        self.ended = threading.Event()
        self._objects, self._folder = objects, folder
        self._ranges: Queue[_Range | None] = Queue()
        self._ranges.put(_Range("", None))
        self._open, self._lock = 1, threading.Lock()
        self._ids: dict[str, bool] = {}
        self._pages, self._alone = 0, alone

    def work(self) -> None:
        """Lists ranges until all are done."""
        while (mine := self._ranges.get()) is not None and not self.ended.is_set():
            try:
                self._list(mine)
            except BaseException as error:  # raised again by the thread that reads
                self._give(error)
                return
            with self._lock:
                self._open -= 1
                last = not self._open
            if last:
                self._give(None)

    def end(self) -> None:
        """Lets all threads end."""
        self.ended.set()
        for _ in range(THREADS):
            self._ranges.put(None)

    def _list(self, mine: _Range) -> None:
        rest: list[Object] = []
        for page in self._objects.bulk_pages(self._folder, mine.after):
            within = [each for each in page if mine.upto is None or each.path <= mine.upto]
            whole, rest = _whole_ids(rest + within)
            self._give(whole)
            if self.ended.is_set() or len(within) < len(page):
                break
            self._pages += 1
            if page and self._pages > self._alone:
                self._divide(mine, page[-1].path)
        self._give(rest)

    def _divide(self, mine: _Range, listed: str) -> None:
        """Hands on the second half of what is left, if nothing waits; a few divisions too many cost a request each."""
        if not self._ranges.empty() or self._open >= THREADS:
            return
        half = middle(listed, mine.upto)
        if half is not None and not any(self._is_id(name) for name in disputed(half)):
            with self._lock:
                self._open += 1
            self._ranges.put(_Range(half, mine.upto))
            mine.upto = half

    def _is_id(self, name: str) -> bool:
        if name not in self._ids:
            self._ids[name] = any(self._objects.pages(self._folder / name, most=1))
        return self._ids[name]

    def _give(self, found: list[Object] | BaseException | None) -> None:
        while found != [] and not self.ended.is_set():
            try:
                return self.found.put(found, timeout=LOOK_S)
            except Full:
                continue


def _whole_ids(found: list[Object]) -> tuple[list[Object], list[Object]]:
    """Divides before the last id, of which more may follow."""
    last = found[-1].path.partition("/")[0] if found else ""
    at = len(found)
    while at and found[at - 1].path.partition("/")[0] == last:
        at -= 1
    return found[:at], found[at:]
