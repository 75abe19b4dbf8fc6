"""Runs of a SageMaker stack, seen, followed, stopped and scheduled by the commands, on a rehearsal."""

import os
import pty
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from rehearsal import Rehearsal, Settings
from rehearsal.fixture import skip_where_refused

ROOT = Path(__file__).resolve().parents[2]
PROJECT = Path(__file__).parent / "project"
EXPERIMENT = "EXP-9-trial"


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

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """A command of run.py on the rehearsal's stack."""
        return self.command(str(ROOT / "run.py"), *arguments, "--stack", "rehearsal", **environment)

    def submit(self, number: int, how: str = "", seconds: float = 1.0) -> str:
        """Submits a run and gives its id."""
        ran = self.command("submit.py", str(number), how, str(seconds))
        assert ran.returncode == 0, ran.stdout + ran.stderr
        return ran.stdout.split()[-1]

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
            self.text += found.decode()

    def end(self) -> str:
        """Reads to the end."""
        try:
            while found := os.read(self.read, 4096):
                self.text += found.decode()
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
    for room in ("finetune", "operators"):
        shutil.copytree(ROOT / room, folder / "project" / room)
    with Rehearsal(folder / "rehearsal", Settings(project=str(folder / "project"), stop_grace_s=3.0)) as up:
        yield Bench(up)


@pytest.fixture(scope="module")
def completed(bench: Bench) -> str:
    """What was said of a run to its end: left by a first watcher, and followed while ZenML's server hung."""
    run = bench.submit(1, seconds=3)
    left = bench.watch(run)
    left.until("first: ")
    left.process.send_signal(signal.SIGINT)
    left.until("the run goes on; to look, and to stop it:\n  python run.py status EXP-9-trial/1 --stack rehearsal")
    assert left.end().splitlines()[-1] == "running"
    again = bench.watch(run)
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
    assert any(line.startswith("train: running, training job ") for line in lines)
    assert any(line.startswith("first: completed, processing job ") for line in lines)


def test_status_and_logs_find_the_run_from_another_machine(completed: str, bench: Bench, tmp_path: Path) -> None:
    shown = bench.run("status", f"{EXPERIMENT}/1", ZENML_CONFIG_PATH=str(tmp_path / "zen"))
    assert shown.returncode == 0, shown.stdout + shown.stderr
    head, first, train = shown.stdout.splitlines()
    assert head == f"{EXPERIMENT}-1-20260101: completed"
    assert first.split()[:2] == ["first", "completed"] and first.endswith("1 x ml.t3.medium")
    assert train.split()[:2] == ["train", "completed"] and train.endswith("1 x ml.m5.large")
    assert f"training job {EXPERIMENT}-1-20260101-train-" in train
    of_first = bench.run("logs", f"{EXPERIMENT}-1-20260101", "--step", "first")
    assert "first is at work" in of_first.stdout
    of_last = bench.run("logs", f"{EXPERIMENT}/1", "--follow")
    assert "second 2" in of_last.stdout.splitlines()


def test_a_killed_jobs_reason_is_shown_and_zenml_learns_of_its_end(bench: Bench) -> None:
    run = bench.submit(2, how="killed")
    said = bench.watch(run).end().splitlines()
    assert said[-1] == "failed"
    assert any(line.startswith("first failed: ") and "signal 9" in line for line in said)
    assert "[first] first is at work" in said
    shown = bench.run("status", f"{EXPERIMENT}/2")
    assert shown.returncode == 1
    assert "signal 9" in shown.stdout and "train  waiting" in shown.stdout


def test_ctrl_c_on_a_terminal_asks_and_stops_the_run_with_its_training_job(bench: Bench) -> None:
    run = bench.submit(3, seconds=600)
    watched = bench.watch(run, terminal=True)
    watched.until("[train] second 1")
    watched.process.send_signal(signal.SIGINT)
    watched.until("stop the run on AWS?")
    os.write(watched.read, b"y\n")
    said = watched.end()
    assert said.split()[-1] == "stopped"
    assert f"stopping training job {EXPERIMENT}-3-20260101-train-" in said
    assert "stopping pipeline execution" in said
    assert bench.running() == []
    shown = bench.run("status", f"{EXPERIMENT}/3")
    assert shown.returncode == 130
    assert shown.stdout.splitlines()[0].endswith(": stopped")
    assert shown.stdout.splitlines()[-1].split()[:2] == ["train", "stopped"]


def test_a_run_that_is_stopped_while_its_jobs_start_leaves_none_and_a_second_stop_says_so(bench: Bench) -> None:
    bench.submit(4, seconds=600)
    stopped = bench.run("stop", f"{EXPERIMENT}/4")
    assert stopped.returncode == 0, stopped.stderr
    assert "stopped pipeline execution" in stopped.stdout
    assert bench.running() == []
    again = bench.run("stop", f"{EXPERIMENT}/4")
    assert (again.returncode, again.stdout.strip()) == (0, f"{EXPERIMENT}-4-20260101: nothing of it runs")


def test_an_unknown_run_is_an_error_that_names_those_that_there_are(bench: Bench) -> None:
    shown = bench.run("status", f"{EXPERIMENT}/99")
    assert shown.returncode == 2
    assert f"{EXPERIMENT}/99: stack rehearsal has no such run" in shown.stderr


def test_a_schedule_is_created_listed_updated_and_deleted_in_eventbridge(bench: Bench) -> None:
    created = bench.command("submit.py", "schedule", "0 6 ? * MON-FRI *")
    assert created.returncode == 0, created.stdout + created.stderr
    scheduler = bench.up.client("scheduler")
    (there,) = scheduler.list_schedules()["Schedules"]
    assert bench.run("schedule", "list").stdout.split("  ") == [EXPERIMENT, "cron(0 6 ? * MON-FRI *)", "ENABLED\n"]
    twice = bench.command("submit.py", "schedule", "0 6 ? * MON-FRI *")
    assert f"{EXPERIMENT} has a schedule" in twice.stderr
    changed = bench.run("schedule", "update", EXPERIMENT, "--cron", "30 7 ? * SUN *")
    assert changed.returncode == 0, changed.stderr
    found = scheduler.get_schedule(Name=there["Name"])
    assert found["ScheduleExpression"] == "cron(30 7 ? * SUN *)"
    assert found["Target"]["Arn"] == there["Target"]["Arn"]
    assert "cron(30 7 ? * SUN *)" in bench.run("schedule", "list").stdout
    assert bench.run("schedule", "delete", EXPERIMENT).returncode == 0
    assert scheduler.list_schedules()["Schedules"] == []
    assert "has no schedules" in bench.run("schedule", "list").stdout
    gone = bench.run("schedule", "delete", EXPERIMENT)
    assert (gone.returncode, f"{EXPERIMENT} has no schedule" in gone.stderr) == (2, True)
