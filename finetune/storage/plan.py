"""Decides whether a file is copied. Nothing is read or written here.

at home   size     overwrite   hash of the listing at home   decision
-------   ------   ---------   ---------------------------   --------
absent    -        any         -                             copy, absent
present   differ   any         -                             replace, size differs
present   equal    yes         -                             replace, overwrite
present   equal    no          equal                         skip, same size and hash
present   equal    no          that of the source's ETag     skip, same size and hash
present   equal    no          of the same kind, differs     replace, hash differs
present   equal    no          unknown, or of another kind   compare: ask what lies there, then replace or skip
"""

from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from typing import NamedTuple

from finetune.storage.digest import Digest
from finetune.storage.listing import ListedFile
from finetune.storage.object import etag_of


class Decision(StrEnum):
    """What happens to one file, and why."""

    COPY_ABSENT = "copy: absent"
    COPY_SIZE = "replace: size differs"
    COPY_HASH = "replace: hash differs"
    COPY_OVERWRITE = "replace: overwrite"
    SKIP = "skip: same size and hash"
    COMPARE = "compare: hash at home unknown"

    @property
    def copies(self) -> bool:
        """Whether the file is copied."""
        return self not in (Decision.SKIP, Decision.COMPARE)


class Copy(NamedTuple):
    """A file that is to lie somewhere, and what is known of it."""

    source: str
    destination: str
    size: int
    version: str
    """As a listing gave it; empty where none did."""
    digest: Digest
    """What its content must be."""


def plan(
    files: Iterable[Copy], there: Mapping[str, ListedFile], overwrite: bool = False
) -> Iterator[tuple[Copy, Decision]]:
    """Decides for each file of a listing of the source, by a listing of the destination.

    Args:
        files: What is to be at the destination.
        there: What lies there, by place.
        overwrite: Replace what is there whatever it is.
    """
    return ((file, decide(file, there.get(file.destination), overwrite)) for file in files)


def decide(file: Copy, there: ListedFile | None, overwrite: bool) -> Decision:
    """Decides for one file."""
    if there is None:
        return Decision.COPY_ABSENT
    if there.size != file.size:
        return Decision.COPY_SIZE
    if overwrite:
        return Decision.COPY_OVERWRITE
    if there.digest is None:
        return Decision.COMPARE
    if there.digest == file.digest or there.digest == Digest.of_etag(etag_of(file.version)):
        return Decision.SKIP
    return Decision.COPY_HASH if there.digest.kind == file.digest.kind else Decision.COMPARE


def compared(same: bool) -> Decision:
    """What a comparison decides."""
    return Decision.SKIP if same else Decision.COPY_HASH
