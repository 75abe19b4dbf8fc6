"""All trackers as one, and none at all."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from finetune.tracking.guarded import Guarded
from finetune.tracking.once import Once
from finetune.tracking.trackers import Trackers, opened
from tests.finetune.tracking.test_guarded import WHOLE, Remembering, step

ROOT = Path(__file__).parents[3]


def test_without_trackers_nothing_is_imported_or_done() -> None:
    program = (
        "import sys\n"
        "from finetune.tracking.trackers import opened\n"
        "with opened(None) as none: none.metrics({'loss': 1.0}, 1); none.file('report.html', b'')\n"
        "print(bool(none), *{'mlflow', 'wandb', 'torch'} & sys.modules.keys())"
    )
    ran = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "False"


def test_a_tracker_that_fails_keeps_nothing_from_another(tmp_path: Path) -> None:
    def fault(call: str) -> None:
        raise OSError(call)

    broken, working = Remembering(fault), Remembering()
    both = Trackers([Guarded(broken, Once(tmp_path, "broken")), Guarded(working, Once(tmp_path, "working"))])
    step(working, tmp_path, both)
    assert working.told == WHOLE
    assert broken.told == []


def test_sigterm_waits_until_the_trackers_were_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    told: list[str] = []
    before = signal.signal(signal.SIGTERM, lambda number, frame: told.append("SIGTERM"))

    def end(self: Trackers, status: str) -> None:
        signal.raise_signal(signal.SIGTERM)
        told.append(status)

    monkeypatch.setattr(Trackers, "end", end)
    try:
        with pytest.raises(ValueError), opened(None):
            raise ValueError
    finally:
        signal.signal(signal.SIGTERM, before)
    assert told == ["failed", "SIGTERM"]
