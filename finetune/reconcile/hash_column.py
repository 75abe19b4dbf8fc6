"""Reads the content hash that a row of the labels tells of its id's one file."""

from typing import Any

from finetune.errors import ReconcileError, StorageError
from finetune.reconcile.guid import printable
from finetune.storage.digest import DIGITS, Digest

_KINDS = {digits: kind for kind, digits in DIGITS.items()}


def digest_of(value: Any, guid: str, column: str) -> Digest | None:
    """The hash in a value, `<kind>:<digits>` or the digits alone, whose number says the kind; None for an empty one.

    Raises:
        ReconcileError: It is no hash; names id, column and value.
    """
    text = "" if value is None else str(value).strip()
    if not text:
        return None
    kind = _KINDS.get(len(text), "")
    try:
        return Digest.parse(text if ":" in text or not kind else f"{kind}:{text}")
    except StorageError as error:
        raise ReconcileError(f"production.labels.hash: column {column} of id {printable(guid)}: {error}") from None
