"""The text of a file at home, as the text baseline reads it."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from finetune.errors import EvaluateError
from finetune.storage.storage import storage_of
from finetune.storage.uri import Place

AT_ONCE = 256
"""Files of an S3 home that lie on this machine at the same time."""
LONGEST = 280
"""Signs of an excerpt."""


def document_texts(folder: Place, guids: Sequence[str], file: str) -> list[str]:
    """Reads the text of one file of each id.

    Args:
        folder: The folder of all ids at home.
        guids: The ids, in the order of the texts.
        file: Name of the file.

    Raises:
        EvaluateError: As for `document_text`.
    """
    texts: list[str] = []
    for start in range(0, len(guids), AT_ONCE):
        part = guids[start : start + AT_ONCE]
        with storage_of(folder).at_hand(str(folder), part, [file]) as at_hand:
            try:
                texts += [document_text(Path(at_hand, guid, file)) for guid in part]
            except EvaluateError as error:
                raise EvaluateError(str(error).replace(at_hand, str(folder))) from error
    return texts


def excerpts(folder: Place, guids: Sequence[str], file: str | None) -> list[str | None]:
    """The beginning of each id's text on one line; None for each where there is no file of texts.

    Raises:
        EvaluateError: As for `document_text`.
    """
    if file is None:
        return [None] * len(guids)
    return [_beginning(" ".join(text.split())) for text in document_texts(folder, guids, file)]


def _beginning(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


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
