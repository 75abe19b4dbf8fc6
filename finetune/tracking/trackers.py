"""All trackers of a step as one; without any it does nothing, and imports nothing."""

import signal
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from finetune.tracking.guarded import Guarded
from finetune.tracking.once import Once
from finetune.tracking.settings import Tracking
from finetune.tracking.tracker import Ended, Point


class Trackers:
    """Hands everything on to each of them; none of its methods raises or takes time, but for the end."""

    def __init__(self, trackers: Sequence[Guarded] = ()) -> None:
        self._trackers = trackers

    def __bool__(self) -> bool:
        """Whether there is any."""
        return bool(self._trackers)

    def metrics(self, values: Mapping[str, float], step: int | None = None) -> None:
        """Tracks metrics, of an optimiser step or of the whole."""
        self.points([Point(dict(values), step, time.time())])

    def points(self, points: Iterable[Point]) -> None:
        """Tracks points as they are."""
        for point in points:
            for tracker in self._trackers:
                tracker.metrics(point)

    def file(self, name: str, content: bytes) -> None:
        """Tracks a page (.html) or a figure (.svg)."""
        for tracker in self._trackers:
            tracker.file(name, content)

    def end(self, status: Ended) -> None:
        """Tracks how the step ended, and waits a few seconds at most until everything was sent."""
        for tracker in self._trackers:
            tracker.end(status)
        since = time.monotonic()
        for tracker in self._trackers:
            tracker.wait(since)


@contextmanager
def opened(tracking: Tracking | None) -> Iterator[Trackers]:
    """The trackers of a step, open while it works; they are told how it ended. None gives none."""
    trackers = Trackers(_guarded(tracking)) if tracking else Trackers()
    status = Ended.FAILED
    try:
        yield trackers
        status = Ended.FINISHED
    except KeyboardInterrupt:
        status = Ended.STOPPED
        raise
    finally:
        with _sigterm_deferred():
            trackers.end(status)


@contextmanager
def _sigterm_deferred() -> Iterator[None]:
    """Of several processes one that fails has the others ended at once; the trackers are told all the same."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, frame: came.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL if before is None else before)
        if came:
            signal.raise_signal(signal.SIGTERM)


def _guarded(tracking: Tracking) -> list[Guarded]:
    found: list[Guarded] = []
    scratch = Path(tracking.scratch)
    if tracking.mlflow:
        from finetune.tracking.mlflow_tracker import MlflowTracker

        found.append(Guarded(MlflowTracker(tracking, tracking.mlflow), Once(scratch, MlflowTracker.name)))
    if tracking.wandb:
        from finetune.tracking.wandb_tracker import WandbTracker

        once = Once(scratch, WandbTracker.name)
        found.append(Guarded(WandbTracker(tracking, tracking.wandb, once), once))
    return found
