"""Texts of ids at home, as the checks read them, and which of them say too little."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from finetune.errors import EvaluateError
from finetune.evaluation.document import AT_ONCE, document_text
from finetune.prepare.split import fixed_hash
from finetune.reconcile.manifest import Manifest
from finetune.storage.storage import storage_of
from finetune.storage.uri import Place

Texts = Mapping[str, str | None]
"""The text of each id; None for one that cannot be read."""


def sampled(guids: Sequence[str], limit: int) -> list[str]:
    """At most so many ids, in the given order; which ones follows from the ids alone. A larger limit adds to them."""
    if len(guids) <= limit:
        return list(guids)
    taken = set(sorted(guids, key=fixed_hash)[:limit])
    return [guid for guid in guids if guid in taken]


def texts_of(folder: Place, guids: Sequence[str], file: str) -> dict[str, str | None]:
    """Reads the text of one file of each id; files of a home in S3 are fetched a few hundred at a time.

    Args:
        folder: The folder of all ids at home.
        guids: The ids.
        file: Name of the file, as in evaluate.baseline_text.
    """
    texts: dict[str, str | None] = {}
    for start in range(0, len(guids), AT_ONCE):
        part = guids[start : start + AT_ONCE]
        with storage_of(folder).at_hand(str(folder), part, [file]) as at_hand:
            texts |= {guid: _text(Path(at_hand, guid, file)) for guid in part}
    return texts


def _text(path: Path) -> str | None:
    try:
        return document_text(path)
    except EvaluateError:
        return None


def too_short(texts: Texts, characters: int) -> list[str]:
    """The ids whose text is unreadable or has fewer characters, spaces not counted: pure."""
    return [guid for guid, text in texts.items() if text is None or len("".join(text.split())) < characters]


def with_an_empty_file(manifest: Manifest) -> list[str]:
    """The kept ids of which a file at home has no byte, in order."""
    rows = manifest.rows(["guid", "size", "dropped"])
    return list(dict.fromkeys(row["guid"] for row in rows if row["dropped"] is None and row["size"] == 0))
