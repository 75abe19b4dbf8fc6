"""A rehearsal without its packages says which, and how they are installed."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_an_interpreter_without_installed_packages_is_told_which_are_missing() -> None:
    code = "from rehearsal.needed import check_packages; check_packages()"
    alone = subprocess.run([sys.executable, "-S", "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert alone.returncode != 0
    assert "rehearsal: needs moto, boto3, regex, flask; pip install -r requirements-dev.txt" in alone.stderr
