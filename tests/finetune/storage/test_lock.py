import subprocess
import sys
import time
from pathlib import Path

from finetune.storage.lock import locked, try_locked

HOLD = """
import sys, time
from pathlib import Path
from finetune.storage.lock import locked
with locked(Path(sys.argv[1]), "the home"):
    print("held", flush=True)
    time.sleep(float(sys.argv[2]))
"""


def hold(path: Path, seconds: float) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path), str(seconds)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    return process


def test_a_lock_is_free_again_when_its_holder_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "below" / "lock"
    process = hold(path, 60)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    with try_locked(path) as free:
        assert not free
    process.kill()
    process.communicate()
    with try_locked(path) as free:
        assert free


def test_who_waits_says_for_which_process(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with locked(path, "the home"):
        holder = path.read_text()
        waiting = hold(path, 0)
        assert waiting.stderr is not None
        said = waiting.stderr.readline()
        time.sleep(0.1)
        assert waiting.poll() is None
    assert said == f"the home is busy in process {holder}; waiting for it to finish\n"
    assert waiting.communicate()[0] == "held\n"
