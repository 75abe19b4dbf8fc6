"""Stands between a step and a tracker: a thread of its own makes the calls, so that none fails or slows the step."""

import threading
import time
from collections import deque
from collections.abc import Callable
from functools import partial
from itertools import islice, takewhile
from typing import cast

from finetune.tracking.once import Once, brief
from finetune.tracking.tracker import Ended, Point, Refused, Tracker

Call = Callable[[], None]

AT_ONCE = 100
"""Points that are sent together, if so many wait."""
MOST_CALLS = 20_000
"""That wait; of more the newest metrics are left out."""
AGAIN_S, LAST_S, SAMPLE_S = 5.0, 0.5, 10.0
"""Between two tries of a call; the same once the step has ended; between two looks at the machine."""
WORKING_S, DOWN_S = 30.0, 3.0
"""How long the end of a step waits for a tracker that works; for one that does not."""


class Guarded:
    """Makes the calls in order. One that fails is tried again, the others wait; one that is refused is left out."""

    def __init__(self, tracker: Tracker, once: Once) -> None:
        """Begins to open the tracker."""
        self._tracker, self._once = tracker, once
        self._waiting: deque[Call | Point] = deque([tracker.open])
        self._at_work, self._singly = 1, 0
        self._changed = threading.Condition()
        self._opened = self._down = self._ending = self._over = False
        self._sample_at = 0.0
        threading.Thread(target=self._work, name=f"tracker {tracker.name}", daemon=True).start()

    def metrics(self, point: Point) -> None:
        """Notes a point."""
        with self._changed:
            if len(self._waiting) < MOST_CALLS:
                self._put(point)

    def file(self, name: str, content: bytes) -> None:
        """Notes a file."""
        with self._changed:
            self._put(partial(self._tracker.file, name, content))

    def end(self, status: Ended) -> None:
        """Notes how the step ended; nothing may be noted after it."""
        with self._changed:
            self._ending = True
            self._put(partial(self._tracker.end, status))

    def wait(self, since: float) -> None:
        """Waits until all was sent, but not for long.

        Args:
            since: When the step ended, by the monotonic clock.
        """
        with self._changed:
            while not self._over:
                left = since + (DOWN_S if self._down else WORKING_S) - time.monotonic()
                if left <= 0:
                    self._over = True
                    self._once.say(
                        f"{self._tracker.where} takes too long; the run goes on without the last of its points"
                    )
                else:
                    self._changed.wait(left)

    def _put(self, what: Call | Point) -> None:
        if not self._over:
            self._waiting.append(what)
            self._changed.notify_all()

    def _work(self) -> None:
        while (call := self._next()) is not None:
            refused = False
            try:
                call()
            except Refused as error:
                if self._at_work > 1:
                    self._singly = self._at_work  # to find the one that is refused
                    continue
                refused = True
                self._once.say(f"{self._tracker.where} refuses what it is sent ({brief(error)}); the run goes on")
            except (Exception, SystemExit) as error:
                self._failed(error)
                continue
            self._done(refused)

    def _next(self) -> Call | None:
        """The call to make, once there is one; None if it is over."""
        with self._changed:
            while not self._over:
                left = self._sample_at - time.monotonic()
                if left <= 0 and self._opened and not self._down:
                    self._sample_at = time.monotonic() + SAMPLE_S
                    self._waiting.appendleft(partial(self._tracker.sample, time.time()))
                if self._waiting:
                    return self._first()
                self._changed.wait(left)
            return None

    def _first(self) -> Call:
        """The first call that waits, or all points before the next call as one."""
        first = self._waiting[0]
        if not isinstance(first, Point):
            self._at_work = 1
            return first
        some = islice(self._waiting, 1 if self._singly else AT_ONCE)
        points = list(takewhile(lambda each: isinstance(each, Point), some))
        self._at_work = len(points)
        return partial(self._tracker.metrics, cast(list[Point], points))

    def _done(self, refused: bool) -> None:
        with self._changed:
            for _ in range(self._at_work):
                if isinstance(self._waiting.popleft(), Point) and self._singly:
                    self._singly -= 1
            self._down = False
            last = self._ending and not self._waiting
            self._over = self._over or last or (refused and not self._opened)
            self._opened = True
            if self._over:
                self._waiting.clear()
            self._changed.notify_all()

    def _failed(self, error: BaseException) -> None:
        self._once.say(
            f"{self._tracker.where} does not answer ({brief(error)}); the run goes on, and its points are sent if it "
            f"answers again before the step ends"
        )
        with self._changed:
            self._down = True
            self._changed.notify_all()
            ending = self._ending
            self._changed.wait_for(lambda: self._over or self._ending != ending, LAST_S if ending else AGAIN_S)
