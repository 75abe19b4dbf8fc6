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
    """The commit of the working folder, with -dirty where files differ from it; nothing where there is no git."""
    try:
        said = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"], capture_output=True, text=True
        )
    except OSError:
        return {}
    return {"commit": said.stdout.strip()} if said.returncode == 0 else {}
