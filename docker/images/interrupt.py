"""Ctrl-C and SIGTERM while something of ours runs on AWS: taken note of, and acted on where nothing is half done."""

import signal
import time
from types import FrameType, TracebackType
from typing import Any, Self

SIGNALS = (signal.SIGINT, signal.SIGTERM)
SLICE_S = 0.2


class Interrupt:
    """Takes note of the first signal in a `with` block; a second one does what it always does."""

    def __init__(self) -> None:
        self._asked = False
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        self._before = {each: signal.signal(each, self._note) for each in SIGNALS}
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._give_back()

    def taken(self) -> bool:
        """Tells whether there was a signal since the last call."""
        asked, self._asked = self._asked, False
        return asked

    def wait(self, seconds: float) -> None:
        """Waits, and no longer than until a signal comes."""
        until = time.monotonic() + seconds
        while not self._asked and (left := until - time.monotonic()) > 0:
            time.sleep(min(left, SLICE_S))  # Python goes on with a sleep after a signal

    def _note(self, number: int, frame: FrameType | None) -> None:
        self._asked = True
        self._give_back()

    def _give_back(self) -> None:
        for each, before in self._before.items():
            signal.signal(each, before)
