"""Where the project's own code lies, and which file is which of its modules."""

import sys
from collections.abc import Sequence
from pathlib import Path

PROJECT_ROOT = Path(__file__).resolve().parents[2]
_INSTALLED = {"site-packages", "dist-packages"}


def project_roots() -> list[Path]:
    """Folders whose modules are the project's own.

    These are the entries of sys.path that hold a folder experiments/, in sys.path's order, and the project's
    root. experiments/ has no __init__.py, so that Python merges all of them into one namespace package: an
    experiment may lie outside the project, in any folder that is on sys.path. Installed packages never count.
    """
    candidates = [Path(entry or ".").resolve() for entry in sys.path]
    own = [path for path in candidates if not is_installed(path) and (path / "experiments").is_dir()]
    return list(dict.fromkeys([*own, PROJECT_ROOT]))


def is_installed(path: Path) -> bool:
    """Whether the path lies among installed packages."""
    return not _INSTALLED.isdisjoint(path.parts)


def module_file(name: str, roots: Sequence[Path]) -> Path | None:
    """The file of a dotted module name; None if no root has it, or it is a folder without __init__.py."""
    relative = name.replace(".", "/")
    for root in roots:
        for path in (root / relative / "__init__.py", root / f"{relative}.py"):
            if path.is_file():
                return path
    return None


def is_project_module(name: str, roots: Sequence[Path]) -> bool:
    """Whether the name is a module or a folder of modules below the roots."""
    relative = name.replace(".", "/")
    return any((root / relative).is_dir() for root in roots) or module_file(name, roots) is not None


def shown(path: Path) -> str:
    """The path as a message shows it: relative to the working directory when it lies in it."""
    working_directory = Path.cwd()
    return str(path.relative_to(working_directory) if path.is_relative_to(working_directory) else path)
