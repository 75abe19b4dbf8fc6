"""Ctrl-C and SIGTERM while a run is handed to AWS: they wait until it is known whether AWS has it."""

import signal
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Self

SIGNALS = (signal.SIGINT, signal.SIGTERM)


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
