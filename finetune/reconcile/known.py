"""Remembers a digest for each of many ids in 16 bytes an id, where a dictionary takes some hundred."""

import hashlib
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

MERGED_AT = 50_000
"""So many new ids wait in a dictionary before they go into the arrays, which are copied for it."""
_NONE = 0

_Numbers = npt.NDArray[np.uint64]


class Known:
    """Ids and digests as 64-bit numbers.

    Of ten million ids two share a number with a chance of 3 in a million, and then one counts as not known; that an id
    counts as known with a digest which it does not have takes both numbers to be the same.
    """

    def __init__(self, entries: Iterable[tuple[str, str]]) -> None:
        """Takes ids and digests in the order in which they were written; the last one counts, "" forgets an id."""
        numbers = np.fromiter(((_number(guid), _digest(digest)) for guid, digest in entries), dtype="u8,u8")
        keys, values = numbers["f0"], numbers["f1"]
        order = np.argsort(keys, kind="stable")
        keys, values = keys[order], values[order]
        last = np.append(keys[1:] != keys[:-1], True)[: len(keys)] & (values != _NONE)
        self._keys: _Numbers = keys[last]
        self._values: _Numbers = values[last]
        self._new: dict[int, int] = {}
        self.count = len(self._keys)
        """Of ids that were known at first."""

    def has(self, guid: str, digest: str) -> bool:
        """Whether this was the last digest of the id; "" is none."""
        return bool(digest) and self._get(_number(guid)) == _digest(digest)

    def knows(self, guid: str) -> bool:
        """Whether the id has a digest."""
        return self._get(_number(guid)) != _NONE

    def set(self, guid: str, digest: str) -> None:
        """Gives the id another digest; "" forgets it."""
        key, value = _number(guid), _digest(digest)
        place = self._place(key)
        if place is not None:
            self._values[place] = value
            return
        self._new[key] = value
        if len(self._new) >= MERGED_AT:
            self._merge()

    def _get(self, key: int) -> int:
        if key in self._new:
            return self._new[key]
        place = self._place(key)
        return _NONE if place is None else int(self._values[place])

    def _place(self, key: int) -> int | None:
        if not len(self._keys):
            return None
        place = int(np.searchsorted(self._keys, np.uint64(key)))
        return place if place < len(self._keys) and int(self._keys[place]) == key else None

    def _merge(self) -> None:
        keys = np.fromiter(self._new, np.uint64, len(self._new))
        values = np.fromiter(self._new.values(), np.uint64, len(self._new))
        order = np.argsort(keys)
        places = np.searchsorted(self._keys, keys[order])
        self._keys = np.insert(self._keys, places, keys[order])
        self._values = np.insert(self._values, places, values[order])
        self._new.clear()


def _number(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest())


def _digest(text: str) -> int:
    """A number for a digest, of which none is that of a forgotten one."""
    return _number(text) or 1 if text else _NONE
