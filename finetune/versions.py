"""Versions of what computes a result, for the record of a run."""

import platform
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


def versions() -> dict[str, str]:
    """Python's version and those of the packages that decide about results."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found
