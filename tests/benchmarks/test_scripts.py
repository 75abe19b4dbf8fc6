import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.__main__ import BENCHMARKS, ON_GPUS, WITH_FULL
from benchmarks.machine import ROOT, machine, place
from benchmarks.memory import MB, peak_memory
from benchmarks.workspace import workspace

FOLDER = ROOT / "benchmarks"


def scripts() -> set[str]:
    """The files that do something when they are started."""
    return {path.stem for path in FOLDER.glob("[!_]*.py") if '__name__ == "__main__"' in path.read_text("utf-8")}


def test_the_runner_lists_every_script() -> None:
    assert set(BENCHMARKS + ON_GPUS) == scripts()
    assert set(WITH_FULL) <= scripts()


@pytest.mark.parametrize("name", BENCHMARKS + ON_GPUS)
def test_a_script_says_what_it_measures(name: str) -> None:
    text = ast.get_docstring(ast.parse((FOLDER / f"{name}.py").read_text(encoding="utf-8"))) or ""

    assert text.startswith(("Measures ", "Runs "))
    assert len(text) > 60


@pytest.mark.parametrize("name", BENCHMARKS + ON_GPUS)
def test_a_script_ends_with_the_line_of_its_own_name(name: str) -> None:
    tree = ast.parse((FOLDER / f"{name}.py").read_text(encoding="utf-8"))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and ast.unparse(node.func) == "json_line"]

    assert [ast.literal_eval(call.args[0]) for call in calls] == [name]


def test_a_script_finds_the_project_from_any_folder(tmp_path: Path) -> None:
    help_text = subprocess.run(
        [sys.executable, str(FOLDER / "all_ids.py"), "--help"], cwd=tmp_path, capture_output=True, text=True, check=True
    ).stdout

    assert "--full" in help_text


def test_the_runner_refuses_an_unknown_name() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "start_up"], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert done.returncode == 2
    assert "no benchmark start_up" in done.stderr
    assert "startup" in done.stderr


def test_the_machine_is_described_in_words() -> None:
    assert f"{os.cpu_count()} cores" in machine()
    assert f"Python {sys.version_info.major}.{sys.version_info.minor}" in place().machine


def test_a_workspace_runs_the_command_line_with_a_zenml_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZENML_CONFIG_PATH", "/the/users/own")
    with workspace() as space:
        done = space.call("--version")
        folder = space.folder

    assert done.returncode == 0
    assert not folder.exists()


def test_a_run_that_fails_shows_why() -> None:
    with workspace() as space, pytest.raises(RuntimeError, match="no_such_key"):
        space.run("EXP-3333", "--set", "train.no_such_key=1")


def test_the_peak_is_seen_after_the_memory_is_given_back() -> None:
    size = 200 * MB
    with peak_memory() as peak:
        child = subprocess.Popen(
            [sys.executable, "-c", f"import time; held = b'x' * {size}; time.sleep(1)"], stdout=subprocess.DEVNULL
        )
        child.wait()

    assert 150 < peak.megabytes < 400
