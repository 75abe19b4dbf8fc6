"""Ctrl-C and SIGTERM as a wish: the first one is kept until the work looks, a second one ends it at once."""

import os
import signal
import threading
from types import FrameType, TracebackType
from typing import Any, Self

from finetune.progress import say

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Asked:
    """As a context in the main thread, takes both signals."""

    def __init__(self, answer: str) -> None:
        """Takes what is said at the first one, by the first process of several."""
        self.number = 0
        """The signal's number; 0 while nobody has asked."""
        self._answer = answer
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._ask) for number in SIGNALS}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _ask(self, number: int, frame: FrameType | None) -> None:
        if self.number:
            raise KeyboardInterrupt
        self.number = number
        if int(os.environ.get("RANK", 0)) == 0:
            say(f"{self._answer} (a second Ctrl-C leaves without)")
