"""`run.py --stack rehearsal` where none is up: it is started for the run, and ended or kept after it."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

import pytest

from rehearsal.fixture import skip_where_refused
from rehearsal.state import State
from tests.e2e.workbench import REPOSITORY, Workbench
from tests.rehearsal.test_session import gone

EXPERIMENT = "EXP-6-none-is-up"
NO_DATABASE = "production.labels.url: no database answers at mysql+pymysql://reader@127.0.0.1:1/labels"

PAINT = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True)
class Ran:
    """A run whose first step failed, and its working folder."""

    bench: Workbench
    code: int
    said: str

    @property
    def rehearsal(self) -> Path:
        """The folder where run.py keeps its rehearsal."""
        return self.bench.working_directory() / "outputs" / "rehearsal"

    def then(self, *words: str) -> "subprocess.CompletedProcess[str]":
        """A command of a user who comes back to the folder: nothing of the rehearsal is in the environment."""
        environment = self.bench.environment(PYTHONPATH=str(REPOSITORY))
        folder = self.bench.working_directory()
        return subprocess.run(
            [sys.executable, *words], cwd=folder, env=environment, capture_output=True, text=True, check=False
        )


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Ran]]:
    """Two at the same time, one with --keep. Their labels' database does not answer, so the first step fails."""
    skip_where_refused()
    started = {}
    for name, options in (("ended", ()), ("kept", ("--keep",))):
        folder = tmp_path_factory.mktemp(name)
        bench = Workbench.make(folder, folder / "zenml", EXPERIMENT)
        bench.config["production"]["labels"]["url"] = "mysql+pymysql://reader@127.0.0.1:1/labels"
        bench.write_config()
        started[name] = bench, bench.start("--stack", "rehearsal", *options)
    ended = {}
    for name, (bench, process) in started.items():
        said, _ = process.communicate()
        ended[name] = Ran(bench, process.returncode, said)
    yield ended
    for ran in ended.values():
        state = State.load(ran.rehearsal) if ran.rehearsal.exists() else None
        if state is not None:
            with suppress(ProcessLookupError):
                os.kill(state.pid, signal.SIGKILL)


@pytest.mark.parametrize("name", ["ended", "kept"])
def test_it_is_brought_up_and_the_run_happens_there(runs: dict[str, Ran], name: str) -> None:
    ran = runs[name]
    assert ran.code == 1, ran.said
    assert "rehearsal: SageMaker and ZenML on this machine; dashboard http://127.0.0.1:" in ran.said
    assert f"{EXPERIMENT}, run 1, on stack rehearsal" in ran.said
    assert "snapshot failed: " in ran.said and f"run step snapshot: {NO_DATABASE}" in PAINT.sub("", ran.said), ran.said


def test_without_keep_nothing_of_it_is_left_though_the_run_failed(runs: dict[str, Ran]) -> None:
    ran = runs["ended"]
    assert "the rehearsal ends with this command, so there is nothing to go on with; with --keep it stays" in ran.said
    assert "run.py resume" not in ran.said and "the rehearsal is kept" not in ran.said
    assert not ran.rehearsal.exists()
    gone(ran.rehearsal)
    told = ran.then(str(REPOSITORY / "run.py"), "status", f"{EXPERIMENT}/1", "--stack", "rehearsal")
    assert (told.returncode, told.stdout) == (2, "")
    assert "none is up, and its runs ended with it; keep one by run.py --keep" in told.stderr


def test_with_keep_it_is_looked_at_and_ended_as_the_run_has_said(runs: dict[str, Ran]) -> None:
    ran = runs["kept"]
    assert f"run.py resume {EXPERIMENT} 1 --stack rehearsal" in ran.said
    assert f"python run.py status {EXPERIMENT}/1 --stack rehearsal" in ran.said
    kept = next(line for line in ran.said.splitlines() if "the rehearsal is kept; look: " in line)
    dashboard, ending = kept.partition("look: ")[2].split(", end it: python ")
    with urlopen(dashboard) as page:
        assert b"ZenML" in page.read()
    told = ran.then(str(REPOSITORY / "run.py"), "status", f"{EXPERIMENT}/1", "--stack", "rehearsal")
    assert told.returncode == 1 and "Traceback" not in told.stderr, told.stderr
    assert "  snapshot    failed" in told.stdout, told.stdout
    ended = ran.then(*ending.split())
    assert (ended.returncode, ended.stdout) == (0, "outputs/rehearsal: ended and removed\n"), ended.stderr
    assert not ran.rehearsal.exists()
    gone(ran.rehearsal)
