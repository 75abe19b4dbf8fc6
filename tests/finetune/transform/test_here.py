import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from finetune.config.transform import TransformConfig
from finetune.errors import TransformError
from finetune.serving.package import Package
from finetune.transform.here import ask_here
from finetune.transform.records import Failed, Record
from finetune.transform.work import Answered, Plan, Work
from tests.finetune.serving.conftest import golden, model, package, tiny_project  # noqa: F401

ROOT = Path(__file__).resolve().parents[3]
# Asks about every file, in a process that is killed on its way.
ASKS = """
import json, sys
from pathlib import Path
from finetune.config.transform import TransformConfig
from finetune.transform.here import ask_here
from finetune.transform.work import Plan, Work

work, plan = Work(sys.argv[1]), Plan(**json.loads(sys.argv[3]))
ask_here(work, work.todo(plan), Path(sys.argv[2]), TransformConfig(max_concurrent=1))
"""


def planned(work: Work, golden: list[dict[str, Any]], count: int) -> Plan:  # noqa: F811
    """A file for each record."""
    instances = [golden[number % len(golden)]["instance"] for number in range(count)]
    found = [Record(str(number), instance, "") for number, instance in enumerate(instances)]
    return work.planned("some", found, per_file=1, most_bytes=1 << 20)


def processes_of(word: str) -> list[str]:
    lines = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout.splitlines()
    return [line for line in lines if word in line and "finetune.serving" in line]


def test_answers_are_those_of_the_model_and_one_bad_record_fails_alone(
    package: Package,  # noqa: F811
    golden: list[dict[str, Any]],  # noqa: F811
    tmp_path: Path,
) -> None:
    work = Work(str(tmp_path / "work"))
    found = [Record(str(number), each["instance"], "") for number, each in enumerate(golden)]
    plan = work.planned("some", [*found, Record("bad", {"text.json": 7}, "line 9")], per_file=2, most_bytes=1 << 20)
    ask_here(work, work.todo(plan), package.path, TransformConfig(instance_count=2))
    *answered, failed = work.results(plan)
    for each, wanted in zip(answered, golden, strict=True):
        assert isinstance(each, Answered) and each.probabilities == pytest.approx(wanted["probabilities"], abs=1e-4)
    assert isinstance(failed, Failed) and failed.guid == "bad" and failed.source == "line 9"


def test_what_was_done_before_a_kill_is_not_done_again(
    package: Package,  # noqa: F811
    golden: list[dict[str, Any]],  # noqa: F811
    tmp_path: Path,
) -> None:
    work = Work(str(tmp_path / "work"))
    plan = planned(work, golden, 300)
    told = json.dumps(plan.__dict__)
    command = [sys.executable, "-c", ASKS, work.folder, str(package.path), told]
    killed = subprocess.Popen(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)})
    while len(work.todo(plan)) > 295:
        assert killed.poll() is None
        time.sleep(0.005)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    left = work.todo(plan)
    done = {part: os.stat(work.output(part)).st_mtime_ns for part in work.parts(plan) if part not in left}
    assert left and done
    ask_here(work, left, package.path, TransformConfig())
    assert {part: os.stat(work.output(part)).st_mtime_ns for part in done} == done
    assert len([each for each in work.results(plan) if isinstance(each, Answered)]) == 300
    assert not processes_of(str(package.path))


def test_a_package_that_cannot_be_served_says_why(tmp_path: Path, golden: list[dict[str, Any]]) -> None:  # noqa: F811
    (tmp_path / "model.tar.gz").write_bytes(b"torn")
    work = Work(str(tmp_path / "work"))
    with pytest.raises(TransformError, match="ended with exit code 1; its last lines:\n.*cannot be unpacked"):
        ask_here(work, work.todo(planned(work, golden, 1)), tmp_path / "model.tar.gz", TransformConfig())
