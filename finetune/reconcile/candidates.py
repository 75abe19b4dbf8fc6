"""Which ids may have the same content: those whose files have the same sizes, compared by hashes of the same kinds."""

from collections.abc import Sequence
from typing import NamedTuple
from zlib import crc32

from finetune.storage.digest import Digest
from finetune.storage.listing import ListedFile

ONLY, COMPARED, COMPUTED = "only", "compared", "computed"
"""What a group of equal sizes is: one id; several, whose hashes say which are equal; or several, to be hashed."""


class Content(NamedTuple):
    """What is known of an id's content before any file is read, as text."""

    sizes: str
    kinds: str | None
    """Kinds of the hashes, or None where one is not known."""
    key: str | None
    """Equal where sizes and hashes are; None as for kinds."""


def content_of(files: Sequence[ListedFile]) -> Content:
    """Puts together what is known of an id's files."""
    sizes = " ".join(str(file.size) for file in files)
    digests = [file.digest for file in files if file.digest is not None]
    if len(digests) < len(files):
        return Content(sizes, None, None)
    return Content(sizes, " ".join(digest.kind for digest in digests), f"{sizes} {joined(digests)}")


def joined(digests: Sequence[Digest]) -> str:
    """The hashes of an id's files as one text; equal where the contents are."""
    return " ".join(map(str, digests))


class Sizes:
    """Groups ids by the sizes of their files; of each group it holds the kinds of the first, and what it is."""

    def __init__(self) -> None:
        self._kinds: dict[str, str | None] = {}
        self._group: dict[str, str] = {}

    def add(self, sizes: str, kinds: str | None) -> None:
        """Takes an id."""
        if sizes not in self._kinds:
            self._kinds[sizes], self._group[sizes] = kinds, ONLY
        elif kinds is None or kinds != self._kinds[sizes]:
            self._group[sizes] = COMPUTED
        elif self._group[sizes] == ONLY:
            self._group[sizes] = COMPARED

    def group(self, sizes: str) -> str:
        """What the group is, once all ids were added."""
        return self._group[sizes]


def part_of(text: str, parts: int) -> int:
    """The part into which all ids with this text go, the same in each process."""
    return crc32(text.encode()) % parts
