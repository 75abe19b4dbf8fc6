"""Compare two resolved configs, for instance that of a run and that of the call that wants to resume it."""

from collections.abc import Iterator
from typing import Any, NamedTuple

_ABSENT = object()


class Difference(NamedTuple):
    """A key that differs, with both values."""

    key: str
    """Dotted."""
    left: Any
    right: Any
    """None where a side has no such key."""


def differing_keys(a: dict[str, Any], b: dict[str, Any]) -> list[str]:
    """Return the dotted keys whose values differ, sorted; see `differences`."""
    return [each.key for each in differences(a, b)]


def differences(a: dict[str, Any], b: dict[str, Any]) -> list[Difference]:
    """Return what differs, sorted by key.

    Mappings are compared key by key; lists and scalars as a whole. A key that only one side has differs.
    3 and 3.0 are equal, true and 1 are not.
    """
    return sorted(_differences(a, b, ""), key=lambda each: each.key)


def _differences(a: dict[str, Any], b: dict[str, Any], above: str) -> Iterator[Difference]:
    for key in a.keys() | b.keys():
        left, right = a.get(key, _ABSENT), b.get(key, _ABSENT)
        if isinstance(left, dict) and isinstance(right, dict):
            yield from _differences(left, right, f"{above}{key}.")
        elif not _same(left, right):
            yield Difference(f"{above}{key}", a.get(key), b.get(key))


def _same(left: Any, right: Any) -> bool:
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(_same, left, right))
    if isinstance(left, dict) and isinstance(right, dict):
        return not differing_keys(left, right)
    both_nan = left != left and right != right
    return bool(left == right) or both_nan
