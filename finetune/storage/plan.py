"""Decides whether a file is copied. Nothing is read or written here.

at home         size    hash     overwrite   decision
-------         ----    ----     ---------   --------
absent          -       -        any         copy, absent
present         differ  -        any         copy, size differs
present         equal   differ   no          copy, hash differs
present         equal   -        yes         copy, overwrite
present         equal   equal    no          skip, same size and hash
"""

from collections.abc import Callable
from enum import StrEnum


class Decision(StrEnum):
    """What happens to one file, and why."""

    COPY_ABSENT = "copy: absent"
    COPY_SIZE = "copy: size differs"
    COPY_HASH = "copy: hash differs"
    COPY_OVERWRITE = "copy: overwrite"
    SKIP = "skip: same size and hash"

    @property
    def copies(self) -> bool:
        """Whether the file is copied."""
        return self is not Decision.SKIP


def decide(
    source_size: int,
    source_hash: str,
    size_at_home: int | None,
    hash_at_home: Callable[[], str],
    overwrite: bool,
) -> Decision:
    """Decides for one file; the hash at home is asked for only when the sizes are equal."""
    if size_at_home is None:
        return Decision.COPY_ABSENT
    if size_at_home != source_size:
        return Decision.COPY_SIZE
    if overwrite:
        return Decision.COPY_OVERWRITE
    return Decision.SKIP if hash_at_home() == source_hash else Decision.COPY_HASH
