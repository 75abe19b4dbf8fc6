"""Ctrl-C and SIGTERM: neither gets lost, and while a run is handed to AWS they wait until AWS has it."""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Self

SIGNALS = (signal.SIGINT, signal.SIGTERM)
SOON_S = 0.05


@contextmanager
def interruptible() -> Iterator[None]:
    """Stops as cleanly on SIGTERM, which schedulers send, as on Ctrl-C, and whatever Python is doing.

    What is raised while Python cleans up an object is printed and forgotten; an interrupt is raised again. Processes
    that are forked meanwhile are this one's to end: they leave Ctrl-C to it, and end at SIGTERM without a word.
    """

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    def again(lost: "sys.UnraisableHookArgs") -> None:
        if issubclass(lost.exc_type, KeyboardInterrupt):
            threading.Timer(SOON_S, os.kill, (os.getpid(), signal.SIGINT)).start()  # here it would be lost, too
        else:
            hook(lost)

    def in_child() -> None:
        if within:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)

    within = True
    os.register_at_fork(after_in_child=in_child)
    before, hook = signal.signal(signal.SIGTERM, interrupt), sys.unraisablehook
    sys.unraisablehook = again
    try:
        yield
    finally:
        within = False
        sys.unraisablehook = hook
        signal.signal(signal.SIGTERM, before)


class Deferred:
    """As a context: the first signal is kept until `release`, a second one is raised at once."""

    def __init__(self, say: Callable[[str], None]) -> None:
        """Takes what says that the signal was heard."""
        self._say, self._came = say, False
        self._before = {number: signal.getsignal(number) for number in SIGNALS}

    def __enter__(self) -> Self:
        for number in SIGNALS:
            signal.signal(number, self._keep)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._restore()

    def release(self) -> None:
        """From here on signals act as before; one that was kept acts now.

        Raises:
            KeyboardInterrupt: One was kept.
        """
        self._restore()
        if self._came:
            self._came = False
            raise KeyboardInterrupt

    def _keep(self, number: int, frame: FrameType | None) -> None:
        if self._came:
            raise KeyboardInterrupt
        self._came = True
        self._say(
            "stopping: the run is being handed to AWS; a moment, until that is done (a second Ctrl-C breaks it off)"
        )

    def _restore(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
