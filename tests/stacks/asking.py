"""Programs that are run with a ZenML of the test's own."""

import os
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]


def asked(folder: Path, program: str) -> list[str]:
    """Runs a program with a ZenML of its own; gives the lines that it prints."""
    (folder / "ask.py").write_text(program, encoding="utf-8")
    return ran(folder, "ask.py")


def ran(folder: Path, *command: str) -> list[str]:
    """Runs Python with a ZenML of its own; gives the lines that it prints."""
    environment = {
        **os.environ,
        "ZENML_CONFIG_PATH": str(folder / "zenml"),
        "ZENML_ANALYTICS_OPT_IN": "false",
        "PYTHONPATH": str(REPOSITORY),
    }
    done = subprocess.run(
        [sys.executable, *command], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()
