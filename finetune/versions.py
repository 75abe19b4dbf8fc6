"""Versions of what computes a result, for the record of a run."""

import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version

PACKAGES = (
    "zenml",
    "torch",
    "transformers",
    "accelerate",
    "datasets",
    "evaluate",
    "scikit-learn",
    "numpy",
    "pyarrow",
)

DIRTY = "-dirty"
"""After a commit, as `git describe` says it: a file differs from the commit, or one of the experiments is not in it."""


def versions(image: str | None = None) -> dict[str, str]:
    """Versions of Python and of the packages that decide about results; the commit of the code, if git knows it.

    Args:
        image: What the steps run in, if it is a container.
    """
    found = {"python": platform.python_version(), **_commit(), **({"image": image} if image else {})}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


def _commit() -> dict[str, str]:
    """The commit of the working folder, with -dirty where its code is another; nothing where there is no git."""
    try:
        commit = _git("describe", "--always", "--dirty", "--abbrev=40", "--exclude=*")
        unknown = _git("ls-files", "--others", "--exclude-standard", "--", ":/experiments/*.py")
    except (OSError, subprocess.CalledProcessError):
        return {}
    return {"commit": f"{commit}{DIRTY}" if unknown and not commit.endswith(DIRTY) else commit}


def _git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], capture_output=True, text=True, check=True).stdout.strip()
