"""Progress of long work: a bar on a terminal, plain lines with counts and time left anywhere else."""

import os
import sys
import time
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Self, TypeVar

from tqdm import tqdm

from finetune.words import counted

T = TypeVar("T")

SECONDS_BETWEEN_LINES = 10.0


class Progress:
    """Counts items of one piece of work; a context manager that says how long it took, and if an error ended it."""

    def __init__(self, what: str, total: int, unit: str = "id", begun: int = 0) -> None:
        """Takes what is done, to how many items, what one of them is called, and how many were done before."""
        self.what, self.total, self.unit, self.done, self._begun = what, total, unit, begun, begun
        self._started = self._last_line = time.monotonic()
        self._bar = (
            tqdm(total=total, initial=begun, desc=what, unit=f" {unit}s", leave=False, dynamic_ncols=True)
            if sys.stderr.isatty()
            else None
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.close()
        seconds = time.monotonic() - self._started
        broken_off = "broken off after " if kind is not None else ""
        say(f"{self.what}: {broken_off}{self.done:,} of {counted(self.total, self.unit)} in {seconds:.1f} s")

    def advance_to(self, done: int, note: str = "") -> None:
        """Says that `done` items are finished, with a note such as the current loss."""
        if self._bar is not None:
            self._bar.set_postfix_str(note, refresh=False)
            self._bar.update(done - self.done)
        self.done = done
        now = time.monotonic()
        if self._bar is None and now - self._last_line >= SECONDS_BETWEEN_LINES:
            self._last_line = now
            say(f"{self.line(now - self._started)}{', ' + note if note else ''}")

    def line(self, seconds: float) -> str:
        """One plain line: count, rate and time left after so many seconds."""
        rate = (self.done - self._begun) / seconds if seconds else 0.0
        left = f", {tqdm.format_interval((self.total - self.done) / rate)} left" if rate else ""
        return f"{self.what}: {self.done:,} of {counted(self.total, self.unit)}, {rate:,.1f}/s{left}"


def track(items: Iterable[T], what: str, total: int, unit: str = "id") -> Iterator[T]:
    """Yields items and counts them."""
    with Progress(what, total, unit) as progress:
        for done, item in enumerate(items, start=1):
            yield item
            progress.advance_to(done)


def say(line: str) -> None:
    """Prints a line of plain text to stderr, above a bar if there is one; once nobody reads it, work goes on silently.

    An error of its own would hide the one, or the Ctrl-C, that it is about to tell.
    """
    try:
        tqdm.write(line, file=sys.stderr)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())
