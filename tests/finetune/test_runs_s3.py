"""Run numbers and records of a home in S3."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from finetune import runs
from finetune.errors import FinetuneError, RunError
from finetune.experiment import Home
from finetune.runs import Status
from tests.finetune.s3_server import objects

ROOT = Path(__file__).parents[2]
CONFIG = {"a": 1}
HOLD = """
import sys
from finetune import runs
from finetune.experiment import Home
with runs.held(Home(sys.argv[1], "EXP-1-x"), 1):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def home(bucket: str) -> Home:
    return Home(f"s3://{bucket}/out", "EXP-1-x")


def claim(home: Home) -> runs.Run:
    return runs.claim(home, stack="local", config=CONFIG, versions={})


def test_numbers_count_up_and_records_come_back(home: Home, bucket: str) -> None:
    first, second = claim(home), claim(home)
    assert (first.run_number, second.run_number) == (1, 2)
    first.ended(Status.COMPLETED, metrics={"f1": 0.5}).write(home)
    assert runs.read(home, 1).metrics == {"f1": 0.5}
    assert runs.read(home, 2) == second
    assert "out/EXP-1-x/runs/1/run.json" in objects(bucket)
    with pytest.raises(RunError, match=r"run 7 of EXP-1-x does not exist \(runs: 1, 2\)"):
        runs.read(home, 7)


def test_a_run_that_another_process_holds_cannot_be_resumed_until_that_is_killed(home: Home) -> None:
    claim(home)
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, home.root],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"held\n"
    with pytest.raises(RunError, match="another process is working on it"):
        runs.resume(home, 1, stack="local", config=CONFIG)
    process.kill()
    process.communicate()
    assert runs.resume(home, 1, stack="local", config=CONFIG).run_number == 1


def test_a_root_in_a_bucket_that_is_not_there_is_named(bucket: str) -> None:
    with pytest.raises(FinetuneError, match="list s3://no-such-bucket/EXP-1-x/runs: the bucket does not exist"):
        claim(Home("s3://no-such-bucket", "EXP-1-x"))
    with pytest.raises(FinetuneError, match="must be s3://<bucket>/<key>, but got 's3://'"):
        claim(Home("s3://", "EXP-1-x"))


def test_checkpoints_lie_in_the_runs_folder_and_go_with_it(home: Home, tmp_path: Path) -> None:
    for each in (home, Home(str(tmp_path), "EXP-1-x")):
        folder = each.checkpoints(3)
        assert folder == each.run(3) / "checkpoints"
        for name in ("key/checkpoint-1", "key/checkpoint-2"):
            if isinstance(folder, Path):
                (folder / name).mkdir(parents=True)
            each.storage.write(str(folder / name / "one"), b"x")
        each.storage.delete_below(str(folder))
        each.storage.delete_below(str(folder))
        assert list(each.storage.below(str(folder))) == []
