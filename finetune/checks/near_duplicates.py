"""Finds texts that nearly equal one of another set: MinHash signatures, locality-sensitive hashing, then the truth.

Broder, "On the resemblance and containment of documents" (1997), as datasketch implements it. It is pure.
"""

import re
from collections.abc import Iterator, Sequence
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from datasketch import MinHash  # type: ignore[import-untyped]

WORD = re.compile(r"\w+")
SHINGLE = 3
"""Words of a shingle."""
PERMUTATIONS = 128
FOR_RECALL = (0.1, 0.9)
"""Weights of false positives, which the exact comparison sorts out, and of false negatives, which are lost."""
LOW = 0xFFFF_FFFF

Shingles = NDArray[np.uint64]
"""Hashes of a text's shingles, each once, in order."""


class Pair(NamedTuple):
    """A text and a known one that it resembles."""

    place: int
    """Of the text, among those looked up."""
    like: int
    """Of the known text."""
    similarity: float
    """Jaccard similarity of their shingles."""


def shingles(text: str) -> Shingles:
    """All triples of consecutive words, in lower case; of a shorter text its words as one; none without a word."""
    from xxhash import xxh64_intdigest

    words = WORD.findall(text.casefold())
    starts = range(max(1, len(words) - SHINGLE + 1)) if words else range(0)
    found = {xxh64_intdigest(" ".join(words[start : start + SHINGLE]).encode()) for start in starts}
    return np.array(sorted(found), dtype=np.uint64)


def jaccard(one: Shingles, other: Shingles) -> float:
    """Share of all shingles of two texts that both have."""
    both = len(np.intersect1d(one, other, assume_unique=True))
    return both / max(1, len(one) + len(other) - both)


def near_duplicates(known: Sequence[str], looked_up: Sequence[str], similarity: float) -> Iterator[Pair]:
    """Yields each text that has a near-duplicate among the known ones, with one that it resembles.

    What is yielded was compared exactly; of pairs just at the threshold a few may be missed. Texts without a word
    resemble none.

    Args:
        known: The texts to compare with.
        looked_up: The texts that may resemble them.
        similarity: Jaccard similarity of shingles from which two texts are near-duplicates, at least 0.5.
    """
    from datasketch import MinHashLSH  # it takes a second to import, with scipy

    sets: dict[bytes, tuple[int, Shingles]] = {}
    for place, text in enumerate(known):
        found = shingles(text)
        if len(found):
            sets.setdefault(found.tobytes(), (place, found))  # thousands of equal texts would fill a bucket
    index = MinHashLSH(threshold=similarity, num_perm=PERMUTATIONS, weights=FOR_RECALL)
    for key, signature in zip(sets, _signatures([found for _, found in sets.values()]), strict=True):
        index.insert(key, signature, check_duplication=False)
    mine = [shingles(text) for text in looked_up]
    for place, signature in enumerate(_signatures(mine)):
        same = sets.get(mine[place].tobytes())
        others = [same] if same else sorted((sets[key] for key in index.query(signature)), key=itemgetter(0))
        pairs = (Pair(place, like, jaccard(mine[place], found)) for like, found in others)
        first = next((pair for pair in pairs if pair.similarity >= similarity), None)
        if first is not None:
            yield first


def _signatures(sets: Sequence[Shingles]) -> Iterator["MinHash"]:
    from datasketch import MinHash

    parts = (found.tolist() for found in sets)
    yield from MinHash.generator(parts, num_perm=PERMUTATIONS, scheme="affine32", hashfunc=lambda value: value & LOW)
