"""Keys of a model section that nobody read when the functions were tried: often a misspelt one. Pure."""

import difflib
from collections.abc import Iterator, Mapping
from typing import Any

from finetune.prepare.alike import Reads

LIBRARY = ("checkpoint", "sha256")
"""What the library reads itself."""


def unread_keys(section: Mapping[str, Any], *reads: Reads) -> Iterator[tuple[str, str | None]]:
    """Each key that is in none of the reads, with the one that was read, is not there, and is nearest in spelling.

    Args:
        section: The model section.
        reads: The keys that each function asked for, there or not; None if one may have read all.
    """
    if None in reads:
        return
    asked = {key for each in reads for key in each or ()}
    for key in section:
        if key not in asked and key not in LIBRARY:
            near = difflib.get_close_matches(key, sorted(asked - set(section)), n=1)
            yield key, near[0] if near else None
