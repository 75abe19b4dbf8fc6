"""What the commands say of runs whose steps come to grief on their machines, on a rehearsal."""

import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from operators.execution import execution_of
from rehearsal import Rehearsal, Settings
from rehearsal.fixture import skip_where_refused
from tests.checkout import put_rooms
from tests.cli.aws.test_runs import Bench, Watch

PROJECT = Path(__file__).parent / "faults"
RUN = "EXP-8-grief"


class Grief(Bench):
    """Submits the pipelines that fail."""

    def start(self, name: str, number: int, place: str = "") -> str:
        """Submits one and gives its id."""
        ran = self.command(str(PROJECT / "submit.py"), name, str(number), place)
        assert ran.returncode == 0, ran.stdout + ran.stderr
        return next(line.split()[1] for line in ran.stdout.splitlines() if line.startswith("id "))


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Grief]:
    skip_where_refused()
    folder = tmp_path_factory.mktemp("grief")
    shutil.copytree(PROJECT, folder / "project")
    put_rooms(folder / "project", "finetune", "operators")
    with Rehearsal(folder / "rehearsal", Settings(project=str(folder / "project"), stop_grace_s=3.0)) as up:
        yield Grief(up)


@pytest.fixture(scope="module")
def said(bench: Grief) -> str:
    """What following says of steps without memory, disk, time and quota."""
    quotas = {"ml.g5.xlarge for training job usage": 0}
    bench.up.limit(memory_mb={"*-hungry-*": 1800}, disk_mb={"*-full-*": 60}, quotas=quotas)
    return bench.watch(bench.start("grief", 1)).end()


@pytest.mark.parametrize(
    ("step", "words"),
    [
        ("hungry", "Please use an instance type with more memory"),
        ("full", "No space left on device"),
        ("late", "it ran longer than 0.00416667 hours; raise max_run_hours of its step in compute"),
    ],
)
def test_the_reason_of_a_training_job_is_told_in_one_line(said: str, step: str, words: str) -> None:
    assert said.splitlines()[-1] == "failed"
    (line,) = [line for line in said.splitlines() if line.startswith(f"{step} failed: ")]
    assert words in line and "(training job EXP-8-grief-1-20260101-" in line


def test_what_aws_refused_stands_in_the_steps_last_lines(said: str) -> None:
    lines = [line for line in said.splitlines() if line.startswith("[poor] ")]
    assert any("(1 x ml.g5.xlarge): ResourceLimitExceeded" in line for line in lines), said
    assert any("ask for a higher quota" in line for line in lines)


def test_an_expired_token_ends_following_and_the_step_and_both_say_why(bench: Grief) -> None:
    run = bench.start("expiry", 2, "s3://rehearsal/any")
    watched = bench.watch(run)
    ending = Watch([sys.executable, "watch.py", run, "ends"], bench.environment({}), terminal=False)
    ending.until("it runs on a rehearsal that ends with this command; with --keep it stays")
    ending.process.send_signal(signal.SIGINT)
    words = "stopped: the rehearsal ends with this command, and its jobs with it; with --keep they go on"
    assert ending.end().endswith(f"{words}\nstopped\n")
    watched.until("[expiring] it may read")
    bench.up.limit(expired_token=True)
    watched.until("sign in to AWS again")
    said = watched.end()
    assert "the run goes on; to look, and to stop it:" in said and said.splitlines()[-1] == "running"
    time.sleep(5)  # nobody may look; the step reads twice a second
    bench.up.limit(expired_token=False)
    bench.watch(run).end()
    (shown,) = bench.runs(f"logs|{RUN}/2")
    assert "The provided token has expired." in shown.out.splitlines()[-1]
    (status,) = bench.runs(f"status|{RUN}/2")
    assert status.code == 1 and "expiring" in status.out


def test_what_aws_took_up_before_submitting_failed_is_stopped_again(bench: Grief) -> None:
    ran = bench.command(str(PROJECT / "broken.py"))
    said = [line for line in ran.stdout.splitlines() if line.startswith(("AWS", "raised", "arn"))]
    assert len(said) == 4, ran.stdout + ran.stderr
    arn = said[3].removeprefix("arn ")
    assert said[0] == f"AWS had taken up the run already: stopped pipeline execution {arn.rpartition('/')[2]}"
    assert said[1].startswith("raised ZenML's server does not answer (ZenML's server is away); look whether it is up")
    assert said[2].startswith("raised submitting the run: ResourceNotFound: ")
    while (execution := execution_of(bench.sagemaker, arn)).runs:
        time.sleep(0.2)
    assert execution.status == "Stopped"


def test_processes_that_register_a_stack_at_once_get_the_same_one(bench: Grief) -> None:
    names = {"FINETUNE_BUCKET": "rehearsal", "FINETUNE_ROLE": bench.up.settings.role_arn}
    told = bench.environment(names | {"FINETUNE_IMAGE": bench.up.settings.image_uri})
    command = [sys.executable, "register.py"]
    started = [subprocess.Popen(command, env=told, cwd=PROJECT, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    said = [process.communicate()[0].splitlines()[-1] for process in started]
    assert len(set(said)) == 1 and said[0].startswith("id "), said
