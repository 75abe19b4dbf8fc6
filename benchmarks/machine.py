"""Where and from what a benchmark was run: the machine in words, and the commit."""

import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.results import Place
from finetune.hardware import hardware

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "RESULTS.md"


def place() -> Place:
    """Today, this commit and this machine."""
    return Place(f"{datetime.now(UTC):%Y-%m-%d}", commit(), machine())


def machine() -> str:
    """Processor, cores, memory, operating system and Python."""
    system = f"{_distribution()} ({platform.system()} {platform.release()})"
    return f"{hardware()}, {system}, Python {platform.python_version()}"


def commit() -> str:
    """The short hash, with a plus where the tree differs from it (RESULTS.md aside); unknown outside git."""
    try:
        short = _git("rev-parse", "--short", "HEAD")
        changed = _git("status", "--porcelain", "--", ".", f":!{RESULTS.relative_to(ROOT)}")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return f"{short}+" if changed else short


def _git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()


def _distribution() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except OSError:
        return platform.platform(terse=True)
