import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rehearsal.fixture import skip_where_refused
from rehearsal.state import State

ROOT = Path.cwd()
COMMAND = [sys.executable, "-m", "rehearsal"]


def told(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [*COMMAND, arguments[0], "--folder", str(folder), *arguments[1:]]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT)


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Path]:
    skip_where_refused()
    folder = tmp_path / "rehearsal"
    ran = told(folder, "up", "--keep", "--no-zenml")
    assert ran.returncode == 0, ran.stderr
    assert "export AWS_ENDPOINT_URL=http://127.0.0.1:" in ran.stdout and "rehearsal down --folder" in ran.stdout
    yield folder
    state = State.load(folder)
    if state is not None:
        os.kill(state.pid, signal.SIGKILL)


def test_a_kept_rehearsal_is_looked_at_and_ended(kept: Path) -> None:
    looked = told(kept, "status")
    assert "no job runs" in looked.stdout, looked.stderr
    refused = told(kept, "interrupt", "no-such-job")
    assert (refused.returncode, refused.stderr.strip()) == (1, "rehearsal: Requested resource not found.")
    ended = told(kept, "down")
    assert ended.returncode == 0 and not kept.exists()
    assert "none is up" in told(kept, "status").stderr


def test_a_killed_rehearsal_is_told_from_a_running_one(kept: Path) -> None:
    state = State.load(kept)
    assert state is not None
    os.kill(state.pid, signal.SIGKILL)
    time.sleep(0.2)
    assert "was killed; remove the folder" in told(kept, "down").stderr


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_one_in_the_foreground_ends_with_its_command(tmp_path: Path, how: signal.Signals) -> None:
    skip_where_refused()
    folder = tmp_path / "rehearsal"
    command = [*COMMAND, "up", "--no-zenml", "--folder", str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert process.stdout is not None
    for line in process.stdout:
        if "# end:" in line:
            break
    process.send_signal(how)
    assert process.wait(20) == 0 and not folder.exists()


def test_an_images_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "images.json").write_text('{"any": {"colour": "red"}}')
    ran = told(tmp_path / "rehearsal", "up", "--images", str(tmp_path / "images.json"))
    assert ran.returncode == 1 and "images.json" in ran.stderr and "colour" in ran.stderr


def test_an_interrupted_job_is_named(bench: Any) -> None:
    name = bench.train(
        "import time\nprint('ready')\ntime.sleep(60)",
        EnableManagedSpotTraining=True,
        StoppingCondition={"MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": 60},
    )
    bench.says(name, "ready")
    assert f"training job {name}: InProgress" in told(bench.rehearsal.folder, "status").stdout
    assert name in told(bench.rehearsal.folder, "interrupt", name).stdout
    bench.until(
        lambda: [each["Status"] for each in bench.described(name)["SecondaryStatusTransitions"]],
        lambda passed: "Interrupted" in passed,
    )
    bench.sagemaker.stop_training_job(TrainingJobName=name)
    bench.trained(name)
