"""Checks what predict is given: for each id the paths of its files by name."""

import difflib
from collections.abc import Mapping
from pathlib import Path

from finetune.errors import EvaluateError
from finetune.words import counted

SHOWN = 3
"""Names that a message gives as examples of what is there."""


def check_instance(instance: Mapping[str, str], index: int) -> None:
    """Refuses what holds no paths of existing files by name.

    Raises:
        EvaluateError: Names the instance, and for a path that does not exist the names that are near it.
    """
    if not isinstance(instance, Mapping):
        raise EvaluateError(
            f"predict takes a list with a dict of paths by file name for each id, such as "
            f"[{{'text.json': 'files/id1/text.json'}}], but instance {index} is {instance!r:.80}"
        )
    for name, path in instance.items():
        if not Path(path).exists():
            raise EvaluateError(
                f"instance {index}: its file {name}, {path}, does not exist: {what_is_there(Path(path).absolute())}"
            )


def what_is_there(path: Path) -> str:
    """Says where an absolute path stops being true, and what lies there instead, the likest first."""
    absent, folder = next((child, child.parent) for child in (path, *path.parents) if child.parent.exists())
    there = sorted(entry.name for entry in folder.iterdir()) if folder.is_dir() else []
    near = difflib.get_close_matches(absent.name, there, n=SHOWN, cutoff=0)
    return f"there is no {absent.name} among the {counted(len(there), 'name')} in {folder}" + (
        f", for example {', '.join(near)}" if near else ""
    )
