"""Which artifact ids can name a folder, locally and in S3, and how any id is written in a message."""

import re
from collections.abc import Iterable

from finetune.errors import ReconcileError
from finetune.words import counted

MAX_BYTES = 255
"""Longest name of a folder in the common file systems, in bytes of UTF-8."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_DRIVE = re.compile(r"[A-Za-z]:")


def check_guid(guid: str) -> str | None:
    """Gives the rule that an artifact id breaks, as in "must not be empty", or None if it breaks none.

    An id names a folder below the experiment home, so it must never lead out of it, nor be hidden, nor mean
    something else on another machine.
    """
    if not guid:
        return "must not be empty"
    if "/" in guid or "\\" in guid:
        return "must not hold a slash or a backslash: it names one folder"
    if guid.startswith("."):
        return "must not begin with a dot: it would be hidden or lead out of its folder"
    if _DRIVE.match(guid):
        return "must not begin with a drive letter"
    if _CONTROL.search(guid):
        return "must not hold control characters"
    try:
        size = len(guid.encode())
    except UnicodeEncodeError:
        return "must be valid UTF-8"
    return f"must be at most {MAX_BYTES} bytes in UTF-8, but has {size}" if size > MAX_BYTES else None


def printable(guid: str) -> str:
    r"""Gives the id with control characters and bytes that are not UTF-8 as escapes: \n, \udcff."""
    valid = guid.encode("utf-8", "backslashreplace").decode()
    return _CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode(), valid)


def refuse_unsafe_ids(guids: Iterable[str]) -> None:
    """Refuses ids that cannot name a folder of the experiment home.

    Raises:
        ReconcileError: Names the first ten of them, and the rule that each breaks.
    """
    unsafe = [f"  '{printable(guid)}' {rule}" for guid in guids if (rule := check_guid(guid)) is not None]
    if unsafe:
        shown = "\n".join(unsafe[:10])
        raise ReconcileError(
            f"production.labels: {counted(len(unsafe), 'id')} cannot name a folder in the experiment home; nothing was "
            f"copied; leave them out of the labels, or rename them:\n{shown}"
        )
