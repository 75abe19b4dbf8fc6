"""Which installed packages are other ones than those that a model was packed with."""

from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version


def other_versions(packed: Mapping[str, str]) -> dict[str, str]:
    """By name, how the installed version differs: `5.2.0 here, packed with 5.1.0`."""
    here = {name: _installed(name) for name in packed}
    return {name: f"{here[name]} here, packed with {packed[name]}" for name in packed if here[name] != packed[name]}


def _installed(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"
