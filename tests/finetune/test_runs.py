import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from finetune import runs
from finetune.errors import RunError
from finetune.experiment import Home
from finetune.runs import Run, Status

CONFIG = {"train": {"epochs": 3, "rate": 0.1}, "root": "outputs"}
KEYS = ["experiment", "run_number", "status", "stack", "started", "seconds"]
KEYS += ["metrics", "baselines", "tuning", "artifacts", "versions", "config"]

CLAIM = """
import sys
from finetune import runs
from finetune.experiment import Home
sys.stdin.read(1)
for _ in range(5):
    print(runs.claim(Home(sys.argv[1], "EXP-1-x"), stack="local", config={}, versions={}).run_number, flush=True)
"""

HOLD = """
import sys, time
from finetune import runs
from finetune.experiment import Home
with runs.held(Home(sys.argv[1], "EXP-1-x"), 1):
    print("held", flush=True)
    time.sleep(60)
"""

READ_WHILE_WRITING = """
import sys
from finetune import runs
from finetune.experiment import Home
home = Home(sys.argv[1], "EXP-1-x")
run = runs.read(home, 1)
while True:
    for size in (10, 20_000):
        run.ended(run.status, artifacts={str(n): "x" for n in range(size)}).write(home)
    print("written", flush=True)
"""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(str(tmp_path), "EXP-1-x")


def claim(home: Home) -> Run:
    return runs.claim(home, stack="local", config=CONFIG, versions={"python": "3.11"})


def start(code: str, home: Home) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", code, home.root], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def problem(home: Home, number: int = 1, stack: str = "local", config: dict[str, Any] = CONFIG) -> str:
    with pytest.raises(RunError) as caught:
        runs.resume(home, number, stack=stack, config=config)
    return str(caught.value)


def test_processes_that_claim_at_once_get_different_numbers(home: Home) -> None:
    processes = [start(CLAIM, home) for _ in range(6)]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go")
        process.stdin.flush()
    numbers = [int(line) for process in processes for line in process.communicate(timeout=60)[0].split()]
    assert sorted(numbers) == list(range(1, 31))


def test_numbers_count_up_past_what_is_no_run(home: Home) -> None:
    for name in ("9", "10", "notes"):
        home.runs.joinpath(name).mkdir(parents=True)
    assert claim(home).run_number == 11


def test_the_record_has_its_keys_and_comes_back_as_it_was(home: Home) -> None:
    run = claim(home)
    ended = run.ended(
        Status.COMPLETED,
        seconds={"train": 1.5},
        metrics={"accuracy": 0.5},
        baselines={"majority": {"accuracy": 0.25}},
        artifacts={"model": "é"},
    )
    ended.write(home)
    record = json.loads((home.run(1) / "run.json").read_text(encoding="utf-8"))
    assert list(record) == KEYS
    assert record["status"] == "completed"
    assert record["config"] == CONFIG
    assert runs.read(home, 1) == ended


def test_a_reader_never_sees_a_half_record_and_a_kill_leaves_a_whole_one(home: Home) -> None:
    claim(home)
    process = start(READ_WHILE_WRITING, home)
    assert process.stdout is not None
    process.stdout.readline()
    assert {len(runs.read(home, 1).artifacts) for _ in range(40)} <= {10, 20_000}
    process.kill()
    process.communicate()
    assert len(runs.read(home, 1).artifacts) in {10, 20_000}


@pytest.mark.parametrize("status", [Status.RUNNING, Status.FAILED, Status.STOPPED])
def test_an_unfinished_run_with_an_equal_config_is_resumed(status: Status, home: Home) -> None:
    run = claim(home)
    run.ended(status).write(home)
    assert runs.resume(home, 1, stack="local", config=json.loads(json.dumps(CONFIG))) == run
    assert runs.read(home, 1).status is Status.RUNNING


def test_an_unknown_run_is_refused_with_the_known_ones_in_order(home: Home) -> None:
    assert "run 1 of EXP-1-x does not exist (runs: none)" in problem(home)
    for _ in range(11):
        claim(home)
    assert problem(home, 12).endswith("(runs: 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11)")


def test_a_completed_run_is_refused(home: Home) -> None:
    claim(home).ended(Status.COMPLETED).write(home)
    assert "--run-number 1: this run of EXP-1-x is completed" in problem(home)
    assert runs.read(home, 1).status is Status.COMPLETED


def test_a_differing_config_is_refused_with_the_keys(home: Home) -> None:
    claim(home)
    config = {"train": {"epochs": 4, "rate": 0.1, "warmup": 0}, "root": "elsewhere"}
    assert "differs from that of the run in root, train.epochs, train.warmup;" in problem(home, config=config)


def test_another_stack_is_refused(home: Home) -> None:
    claim(home)
    assert "was started on stack local, but got --stack sagemaker" in problem(home, stack="sagemaker")


def test_a_run_that_another_process_holds_is_refused_until_that_dies(home: Home) -> None:
    claim(home)
    process = start(HOLD, home)
    assert process.stdout is not None
    process.stdout.readline()
    assert "of EXP-1-x: another process is working on it" in problem(home)
    process.kill()
    process.communicate()
    assert runs.resume(home, 1, stack="local", config=CONFIG).run_number == 1


@pytest.mark.parametrize("text", ["", "{", "[]", '"x"', "{}", '{"status": "odd"}', '{"status": "failed", "more": 1}'])
def test_a_record_that_is_none_is_named(text: str, home: Home) -> None:
    claim(home)
    (home.run(1) / "run.json").write_text(text)
    assert f"{home.run(1)}/run.json cannot be read" in problem(home)


def test_a_root_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match=f"root: cannot write {tmp_path}/file/EXP-1-x/runs: Not a directory"):
        claim(Home(str(tmp_path / "file"), "EXP-1-x"))


def test_the_home_is_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    home = Home("outputs", "EXP-1-x")
    assert home.run(3) == tmp_path / "outputs" / "EXP-1-x" / "runs" / "3"
    assert home.reconciled == tmp_path / "outputs" / "EXP-1-x" / "data" / "reconciled_artifacts"
