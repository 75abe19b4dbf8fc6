"""The guard before trackers that raise, refuse, take their time, or come back."""

import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from finetune.tracking import guarded
from finetune.tracking.guarded import Guarded
from finetune.tracking.once import Once, brief
from finetune.tracking.tracker import Ended, Point, Refused
from finetune.tracking.trackers import Trackers


class Remembering:
    """A tracker that keeps what it is told; `fault` may raise, or wait, before it takes a call."""

    name, where = "board", "http://board"

    def __init__(self, fault: Callable[[str], None] = lambda call: None) -> None:
        self._fault = fault
        self.told: list[str] = []
        self.batches: list[int] = []

    def open(self) -> None:
        self._take("open")

    def metrics(self, points: Sequence[Point]) -> None:
        self.batches.append(len(points))
        calls = [f"{dict(point.values)} at {point.step}" for point in points]
        for call in calls:
            self._fault(call)
        self.told += calls

    def file(self, name: str, content: bytes) -> None:
        self._take(name)

    def sample(self, at: float) -> None:
        self._fault("sample")

    def end(self, status: Ended) -> None:
        self._take(status)

    def _take(self, call: str) -> None:
        self._fault(call)
        self.told.append(str(call))


WHOLE = ["open", "{'loss': 2.0} at 1", "{'loss': 1.0} at 2", "report.html", "finished"]


def step(tracker: Remembering, folder: Path, trackers: Trackers | None = None) -> None:
    """One step's calls."""
    trackers = trackers or Trackers([Guarded(tracker, Once(folder, tracker.name))])
    trackers.metrics({"loss": 2.0}, 1)
    trackers.metrics({"loss": 1.0}, 2)
    trackers.file("report.html", b"")
    trackers.end(Ended.FINISHED)


def test_a_tracker_that_works_is_told_everything_in_order_and_nothing_is_said(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    step(tracker := Remembering(), tmp_path)
    assert tracker.told == WHOLE
    assert capfd.readouterr().err == ""


def test_what_fails_is_tried_again_before_what_follows(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    failures = iter(["open", "open", "{'loss': 1.0} at 2", "finished"])
    left = list(failures)

    def fault(call: str) -> None:
        if left and left[0] == str(call):
            left.pop(0)
            raise ConnectionError("away")

    step(tracker := Remembering(fault), tmp_path)
    assert tracker.told == WHOLE
    assert capfd.readouterr().err.count("board: http://board does not answer (away)") == 1


def test_what_is_refused_is_left_out_and_the_rest_goes_on(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    def fault(call: str) -> None:
        if call in ("report.html", "{'loss': 2.0} at 1"):
            raise Refused("too long")

    step(tracker := Remembering(fault), tmp_path)
    assert tracker.told == [WHOLE[0], WHOLE[2], WHOLE[4]]
    assert capfd.readouterr().err.count("board: ") == 1


def test_a_tracker_that_refuses_to_open_is_not_asked_again(tmp_path: Path) -> None:
    asked: list[str] = []

    def fault(call: str) -> None:
        asked.append(call)
        raise Refused("who are you?")

    step(Remembering(fault), tmp_path)
    assert asked == ["open"]


def test_a_tracker_that_hangs_is_left_behind_and_an_error_of_the_machine_fails_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(guarded, "WORKING_S", 0.2)
    going, told = threading.Event(), []

    def fault(call: str) -> None:
        told.append(call)
        if call == "report.html":
            going.wait(30)

    step(tracker := Remembering(fault), tmp_path)
    assert capfd.readouterr().err.count("board: http://board takes too long") == 1
    going.set()
    time.sleep(0.2)
    assert "finished" not in tracker.told, "nothing is sent once the step went on"


def test_a_tracker_that_never_answers_costs_the_end_a_bounded_time_and_is_said_once_for_all_steps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(guarded, "DOWN_S", 0.2)

    def fault(call: str) -> None:
        raise OSError("no route")

    for _ in range(3):
        step(Remembering(fault), tmp_path)
    said = capfd.readouterr().err
    assert said.count("board: ") == 1
    assert "Traceback" not in said


def test_points_that_wait_are_sent_together(tmp_path: Path) -> None:
    opening = threading.Event()
    tracker = Remembering(lambda call: opening.wait(30) and None if call == "open" else None)
    trackers = Trackers([Guarded(tracker, Once(tmp_path, "board"))])
    for number in range(250):
        trackers.metrics({"loss": 1.0}, number)
    opening.set()
    trackers.end(Ended.FINISHED)
    assert tracker.batches == [100, 100, 50]


def test_metrics_that_wait_for_a_tracker_are_bounded_and_files_and_the_end_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guarded, "MOST_CALLS", 5)
    opening = threading.Event()
    tracker = Remembering(lambda call: opening.wait(30) and None if call == "open" else None)
    trackers = Trackers([Guarded(tracker, Once(tmp_path, "board"))])
    for number in range(50):
        trackers.metrics({"loss": 1.0}, number)
    trackers.file("report.html", b"")
    opening.set()
    trackers.end(Ended.FAILED)
    assert tracker.told == ["open", *(f"{{'loss': 1.0}} at {number}" for number in range(4)), "report.html", "failed"]


def test_the_cause_of_a_failed_request_is_brief_and_holds_no_password() -> None:
    text = (
        "API request to http://me:secret@127.0.0.1:9/api failed with exception HTTPConnectionPool(host='127.0.0.1', "
        "port=9): Max retries exceeded with url: /api (Caused by NewConnectionError(\"HTTPConnection(host='127.0.0.1', "
        'port=9): Failed to establish a new connection: [Errno 111] Connection refused"))'
    )
    assert brief(ConnectionError(text)) == "[Errno 111] Connection refused"
    assert brief(ConnectionError("no http://me:secret@host/api")) == "no http://***@host/api"
    assert brief(TimeoutError()) == "TimeoutError"
