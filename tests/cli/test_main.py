import subprocess
import sys
from pathlib import Path

import pytest

from cli.main import COMMANDS, main

REPOSITORY = Path(__file__).resolve().parents[2]


def run(*arguments: str, python: tuple[str, ...] = ()) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, *python, str(REPOSITORY / "run.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_help_shows_examples_and_exit_codes() -> None:
    ended = run("--help")
    assert ended.returncode == 0
    assert "python run.py --config configs/EXP-3333.yaml --check" in ended.stdout
    assert "exit codes: 0 done, 1 a step failed, 2 bad config or usage" in ended.stdout
    for option in ("--config", "--stack", "--set", "--run-number", "--no-cache", "--check", "--version"):
        assert option in ended.stdout


@pytest.mark.parametrize("word", COMMANDS)
def test_each_command_has_its_function_which_tells_its_options(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([word, "--help"])
    assert ended.value.code == 0
    assert f"usage: python run.py {word}" in capsys.readouterr().out


def test_version_is_a_number() -> None:
    ended = run("--version")
    assert ended.returncode == 0
    assert all(part.isdecimal() for part in ended.stdout.strip().split("."))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "--config"),
        (["--config"], "expected one argument"),
        (["--config", "a.yaml", "--run-number", "0"], "must be a run number such as 3, but got '0'"),
        (["--config", "a.yaml", "--run-number", "last"], "must be a run number such as 3, but got 'last'"),
        (["--config", "a.yaml", "--nocache"], "unrecognized arguments: --nocache"),
        (["--conf", "a.yaml"], "--config"),
        (["configs/EXP-3333.yaml", "--check"], "a config is given by --config configs/EXP-3333.yaml"),
        (["serv", "EXP-3333", "1"], "serv is no command; did you mean serve?"),
        (["EXP-3333"], "EXP-3333 is no command; those above are"),
    ],
)
def test_wrong_usage_ends_with_2(arguments: list[str], words: str) -> None:
    ended = run(*arguments)
    assert ended.returncode == 2
    assert words in ended.stderr
    assert ended.stdout == ""


LIGHT = ["pydantic", "yaml", "zenml", "torch", "pandas", "numpy", "sqlalchemy"]


def imported(*arguments: str) -> set[str]:
    """Top-level packages that run.py imports."""
    lines = run(*arguments, python=("-X", "importtime")).stderr.splitlines()
    modules = (line.rpartition("|")[2].strip() for line in lines if line.startswith("import time:"))
    return {module.partition(".")[0] for module in modules}


def test_help_imports_no_package() -> None:
    assert not imported("--help") & set(LIGHT)


def test_a_config_error_is_told_without_heavy_packages(tmp_path: Path) -> None:
    config = tmp_path / "bad.yaml"
    config.write_text("experiment: x\n", encoding="utf-8")
    loaded = imported("--config", str(config), "--check")
    assert "pydantic" in loaded
    assert not loaded & {"zenml", "torch", "transformers", "pandas", "numpy", "pyarrow", "datasets"}
