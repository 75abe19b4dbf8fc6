"""Runs of a SageMaker stack, seen, followed and stopped by the commands, on a rehearsal."""

import json
import os
import pty
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from rehearsal import Rehearsal, Settings
from rehearsal.fixture import skip_where_refused
from stacks.files import load_stack
from tests.checkout import put_rooms
from tests.rehearsal.zenml.test_pipeline import check_calls

ROOT = Path(__file__).resolve().parents[3]
PROJECT = Path(__file__).parent / "project"
EXPERIMENT = "EXP-9-trial"
REASON = "AlgorithmError: See job logs for more information"
"""What AWS says of every processing job that fails by itself."""


@dataclass(frozen=True)
class Ran:
    """A command's exit code and what it printed."""

    code: int
    out: str
    err: str


class Bench:
    """Runs the commands as a client of the rehearsal."""

    def __init__(self, up: Rehearsal) -> None:
        self.up, self.sagemaker = up, up.client("sagemaker")

    def command(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *arguments], env=self.environment(environment), cwd=PROJECT, capture_output=True, text=True
        )

    def environment(self, more: dict[str, str]) -> dict[str, str]:
        return (
            os.environ | self.up.environment | {"PYTHONPATH": str(ROOT), "ZENML_LOGGING_VERBOSITY": "CRITICAL"} | more
        )

    def runs(self, *commands: str, **environment: str) -> list["Ran"]:
        """Commands of run.py on the rehearsal's stack; words are separated by |."""
        ran = self.command("commands.py", *commands, **environment)
        assert ran.returncode == 0, ran.stdout + ran.stderr
        return [Ran(**json.loads(line)) for line in ran.stdout.splitlines()]

    def submit(self, *trials: str) -> list[str]:
        """Submits runs and gives their ids; a trial is `number|how its first step ends|seconds of its second`."""
        ran = self.command("submit.py", *trials)
        assert ran.returncode == 0, ran.stdout + ran.stderr
        return [line.split()[1] for line in ran.stdout.splitlines() if line.startswith("id ")]

    def watch(self, run: str, terminal: bool = False) -> "Watch":
        """Follows a run in a process of its own."""
        return Watch([sys.executable, "watch.py", run], self.environment({}), terminal)

    def running(self) -> list[str]:
        """Names of all jobs that run."""
        training = self.sagemaker.list_training_jobs(StatusEquals="InProgress")["TrainingJobSummaries"]
        processing = self.sagemaker.list_processing_jobs(StatusEquals="InProgress")["ProcessingJobSummaries"]
        return [job["TrainingJobName"] for job in training] + [job["ProcessingJobName"] for job in processing]


class Watch:
    """A process whose output is read as it comes; with a terminal, or without."""

    def __init__(self, command: list[str], environment: dict[str, str], terminal: bool) -> None:
        self.read, theirs = pty.openpty() if terminal else os.pipe()
        self.process = subprocess.Popen(
            command,
            env=environment,
            cwd=PROJECT,
            stdin=theirs if terminal else subprocess.DEVNULL,
            stdout=theirs,
            stderr=theirs,
        )
        os.close(theirs)
        self.text = ""

    def until(self, text: str) -> None:
        """Reads until this has been printed."""
        while text not in self.text:
            try:
                found = os.read(self.read, 4096)
            except OSError:  # the other side of a terminal is closed
                found = b""
            assert found, f"ended before {text!r}:\n{self.text}"
            self.text += found.decode(errors="replace")  # a letter may be cut in two

    def end(self) -> str:
        """Reads to the end."""
        try:
            while found := os.read(self.read, 4096):
                self.text += found.decode(errors="replace")  # a letter may be cut in two
        except OSError:
            pass
        os.close(self.read)
        assert self.process.wait() == 0, self.text
        return self.text


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    skip_where_refused()
    folder = tmp_path_factory.mktemp("runs")
    shutil.copytree(PROJECT, folder / "project")
    put_rooms(folder / "project", "finetune", "operators")
    with Rehearsal(folder / "rehearsal", Settings(project=str(folder / "project"), stop_grace_s=3.0)) as up:
        yield Bench(up)


@pytest.fixture(scope="module")
def submitted(bench: Bench) -> list[str]:
    """Ids of a run that completes and of one whose first step is killed."""
    return bench.submit("1||3", "2|killed|1")


@pytest.fixture(scope="module")
def completed(bench: Bench, submitted: list[str]) -> str:
    """What was said of a run to its end: left by a first watcher, and followed while ZenML's server hung."""
    left, again = bench.watch(submitted[0]), bench.watch(submitted[0])
    left.until("to look, and to stop it")
    left.process.send_signal(signal.SIGINT)
    left.until("the run goes on; to look, and to stop it:\n  python run.py status EXP-9-trial/1 --stack rehearsal")
    assert left.end().splitlines()[-1] == "running"
    again.until("first: ")
    server = zenml_server(bench.up)
    server.suspend()
    time.sleep(30)
    server.resume()
    return again.end()


def zenml_server(up: Rehearsal) -> psutil.Process:
    return next(
        each
        for each in psutil.process_iter(["cmdline"])
        if "rehearsal.zenml.serve" in (each.info["cmdline"] or []) and str(up.folder) in " ".join(each.info["cmdline"])
    )


def test_a_run_is_followed_through_a_hanging_server_with_each_jobs_lines(completed: str) -> None:
    lines = completed.splitlines()
    assert lines[-1] == "completed"
    assert "[train] second 2" in lines and lines.count("[train] second 0") == 1
    seen = ("train: running, training job ", "train: completed, training job ")  # which of them depends on the polls
    assert any(line.startswith(seen) for line in lines)
    assert any(line.startswith("first: completed, processing job ") for line in lines)


def test_status_and_logs_find_the_run_from_another_machine(completed: str, bench: Bench, tmp_path: Path) -> None:
    name = f"{EXPERIMENT}-1-20260101"
    shown, of_first, of_last, of_none, unknown = bench.runs(
        f"status|{EXPERIMENT}/1",
        f"logs|{name}|--step|first",
        f"logs|{EXPERIMENT}/1|--follow",
        f"logs|{EXPERIMENT}/1|--step|tune",
        f"status|{EXPERIMENT}/99",
        ZENML_CONFIG_PATH=str(tmp_path / "zen"),
    )
    head, first, train = shown.out.splitlines()
    assert (shown.code, head) == (0, f"{name}: completed")
    assert first.split()[:2] == ["first", "completed"] and first.endswith("1 x ml.t3.medium")
    assert train.split()[:2] == ["train", "completed"] and train.endswith("1 x ml.m5.large")
    assert f"training job {name}-train-" in train
    assert "first is at work" in of_first.out.splitlines()
    assert "second 2" in of_last.out.splitlines()
    assert (of_none.code, "has the steps first, train" in of_none.err) == (2, True)
    assert (unknown.code, f"{EXPERIMENT}/99: stack rehearsal has no such run" in unknown.err) == (2, True)


def test_a_killed_jobs_reason_is_shown_and_zenml_learns_of_its_end(bench: Bench, submitted: list[str]) -> None:
    said = bench.watch(submitted[1]).end().splitlines()
    assert said[-1] == "failed"
    assert [line for line in said if line.startswith(f"first failed: {REASON} (processing job ")], said
    assert "[first] first is at work" in said
    (shown,) = bench.runs(f"status|{EXPERIMENT}/2")
    assert shown.code == 1 and REASON in shown.out, shown
    lines = shown.out.splitlines()
    table, printed = lines[: lines.index("last lines of first:")], lines[lines.index("last lines of first:") + 1 :]
    assert table[-1].split() == ["train", "waiting"]
    assert "  first is at work" in printed and "last lines of train:" not in printed


def test_ctrl_c_on_a_terminal_asks_and_stops_the_run_with_its_training_job(bench: Bench) -> None:
    (run,) = bench.submit("3||600")
    watched = bench.watch(run, terminal=True)
    watched.until("[train] second 1")
    watched.process.send_signal(signal.SIGINT)
    watched.until("stop the run on AWS?")
    os.write(watched.read, b"y\n")
    said = watched.end()
    assert said.split()[-1] == "stopped"
    assert f"stopping training job {EXPERIMENT}-3-20260101-train-" in said or "stopping pipeline execution" in said
    assert bench.running() == []
    (shown,) = bench.runs(f"status|{EXPERIMENT}/3")
    lines = shown.out.splitlines()
    assert (shown.code, lines[0]) == (130, f"{EXPERIMENT}-3-20260101: stopped")
    assert [line.split()[:2] for line in lines if line.startswith("  train")] == [["train", "stopped"]]


def test_a_run_that_is_stopped_while_its_jobs_start_leaves_none_and_a_second_stop_says_so(bench: Bench) -> None:
    bench.submit("4||600")
    stopped, again = bench.runs(f"stop|{EXPERIMENT}/4", f"stop|{EXPERIMENT}/4")
    assert (stopped.code, "stopped pipeline execution" in stopped.out) == (0, True)
    assert (again.code, again.out) == (0, f"{EXPERIMENT}-4-20260101: nothing of it runs\n")
    assert bench.running() == []


def test_the_step_operator_tells_and_cancels_its_job_which_has_the_stacks_key(bench: Bench) -> None:
    (run,) = bench.submit("5||600")
    watched = bench.watch(run)
    watched.until("[train] second 1")
    operated = bench.command("operate.py", run)
    assert operated.returncode == 0, operated.stderr
    name, *states = operated.stdout.split()[-3:]
    assert states == ["running", "stopped"]
    job, values = bench.sagemaker.describe_training_job(TrainingJobName=name), load_stack("rehearsal").values
    assert values is not None
    assert job["TrainingJobStatus"] == "Stopped"
    assert job["ResourceConfig"]["VolumeKmsKeyId"] == values.kms_key
    assert watched.end().splitlines()[-1] == "failed" and bench.running() == []
    (shown,) = bench.runs(f"status|{EXPERIMENT}/5")
    table, _, printed = shown.out.partition("last lines of train:\n")
    assert table.splitlines()[-2].split()[:2] == ["train", "failed"]
    assert re.search(r"^  second \d+$", printed, re.MULTILINE), printed


def test_each_call_of_the_commands_and_jobs_is_allowed_by_its_policy(bench: Bench, completed: str) -> None:
    check_calls(bench.up, "test_runs")
