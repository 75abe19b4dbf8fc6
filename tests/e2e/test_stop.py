"""Ctrl-C, SIGTERM and SIGKILL: a run that is stopped says so, leaves nothing behind, and goes on where it stood."""

import os
import shlex
import signal
import subprocess
import time
from pathlib import Path

import psutil
import pytest

from tests.e2e.workbench import Workbench

WAIT = 300.0

SLOW = """import time
        Path(__file__).with_name("training").touch()
        time.sleep(0 if Path(__file__).with_name("quick").exists() else 0.2)
        logits = self.head("""

STATUS = """
import sys
from zenml.client import Client
for run in Client().list_pipeline_runs(tags=[{experiment!r}], sort_by="asc:created").items:
    print(run.status.value)
"""


def wait_for(path: Path, process: "subprocess.Popen[str]") -> None:
    until = time.monotonic() + WAIT
    while not path.exists():
        if process.poll() is not None or time.monotonic() > until:
            pytest.fail(f"{path} did not appear: {process.communicate()[0]}")
        time.sleep(0.05)


def slow_down_training(bench: Workbench) -> Path:
    """Training takes minutes unless a file `quick` lies beside functions.py; gives what appears when it has begun."""
    bench.replace("logits = self.head(", SLOW)
    bench.config["train"]["epochs"] = 300
    bench.write_config()
    return bench.home / "runs" / "1" / "checkpoints"


def statuses(bench: Workbench) -> list[str]:
    return bench.python(STATUS.format(experiment=bench.experiment)).out.split()


def test_ctrl_c_stops_a_run_which_can_be_resumed(bench: Workbench) -> None:
    started = slow_down_training(bench)
    process = bench.start("--set", "train.seed=5")
    wait_for(started, process)
    children = psutil.Process(process.pid).children(recursive=True)
    os.killpg(process.pid, signal.SIGINT)
    said = process.communicate(timeout=WAIT)[0]
    assert process.returncode == 130, said
    assert "train: stopping; a checkpoint is written after this step" in said
    assert f"Go on with:\n  python run.py {shlex.join(bench.resume)}\n" in said
    assert "Traceback" not in said
    assert "\x1b" not in said
    record = bench.record(1)
    assert record["status"] == "stopped"
    assert record["seconds"]["prepare"] > 0
    assert not [child for child in children if child.is_running()]
    assert "running" not in statuses(bench)

    bench.functions.with_name("quick").touch()
    again = bench.warm_run(*bench.resume)
    assert again.code == 0, again.said
    assert "train: goes on from the checkpoint of step " in again.err
    record = bench.record(1)
    assert record["status"] == "completed"
    assert [step for step, seconds in record["seconds"].items() if seconds] == ["snapshot", "train", "evaluate"]
    assert bench.run_numbers() == [1]


def test_sigterm_stops_as_cleanly(bench: Workbench) -> None:
    started = slow_down_training(bench)
    process = bench.start()
    wait_for(started, process)
    process.send_signal(signal.SIGTERM)
    said = process.communicate(timeout=WAIT)[0]
    assert process.returncode == 130, said
    assert f"python run.py {shlex.join(bench.resume)}\n" in said
    assert bench.record(1)["status"] == "stopped"


def test_a_stop_that_nobody_reads_of_is_recorded_all_the_same(bench: Workbench) -> None:
    started = slow_down_training(bench)
    process = bench.start()
    wait_for(started, process)
    process.stdout.close()
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=WAIT) == 130
    assert bench.record(1)["status"] == "stopped"
    assert "running" not in statuses(bench)


def test_a_run_killed_in_reconcile_is_taken_up_again(bench: Workbench) -> None:
    bench.replace(
        '    Path(home, "label.json")',
        "    import time\n\n    time.sleep(0 if Path(__file__).with_name('quick').exists() else 1)\n"
        '    Path(home, "label.json")',
    )
    bench.config["reconcile"]["workers"] = 1
    bench.write_config()
    process = bench.start()
    wait_for(bench.home / "data" / "reconciled_artifacts" / "id03" / "text.json", process)
    process.kill()
    process.communicate()
    assert bench.record(1)["status"] == "running"
    reconciled = bench.home / "data" / "reconciled_artifacts"
    times = {path: path.stat().st_mtime_ns for path in reconciled.glob("*/text.json")}

    bench.functions.with_name("quick").touch()
    again = bench.warm_run(*bench.resume)
    assert again.code == 0, again.said
    assert bench.record(1)["status"] == "completed"
    assert {path: path.stat().st_mtime_ns for path in times} == times, "what was copied is not copied again"
    assert len(list(reconciled.glob("*/label.json"))) == 36
    assert statuses(bench)[-1] == "completed"
    assert "running" not in statuses(bench)


def test_a_run_that_was_killed_is_closed_by_the_next_one(bench: Workbench) -> None:
    started = slow_down_training(bench)
    process = bench.start()
    wait_for(started, process)
    process.kill()
    process.communicate()
    assert (bench.record(1)["status"], statuses(bench)) == ("running", ["running"])
    other = bench.warm_run("--set", "train.epochs=1")
    assert other.code == 0, other.said
    assert f"run 1 was killed; it is recorded as failed (python run.py resume {bench.experiment} 1)\n" in other.err
    assert [bench.record(number)["status"] for number in (1, 2)] == ["failed", "completed"]
    assert statuses(bench) == ["failed", "completed"]
