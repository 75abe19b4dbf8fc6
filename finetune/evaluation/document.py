"""The text of a file at home, as the text baseline reads it."""

import json
from pathlib import Path
from typing import Any

from finetune.errors import EvaluateError


def document_text(path: Path | str) -> str:
    """Read one file's text.

    Args:
        path: A .json file gives all its string values in order, joined by newlines; keys, numbers and other values
            are left out. Any other file is read as UTF-8 text.

    Raises:
        EvaluateError: The file is absent, unreadable, not UTF-8, or not JSON though it is called so.
    """
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
        if Path(path).suffix != ".json":
            return text
        return "\n".join(_strings(json.loads(text)))
    except (OSError, ValueError, RecursionError) as error:
        raise EvaluateError(
            f"{path}: must be UTF-8 text, or JSON where the name ends in .json, but reading it gave {error!r}; "
            "correct the file, or name another one in evaluate.baseline_text"
        ) from error


def _strings(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return [text for item in value for text in _strings(item)]
    return []
