"""Compare two resolved configs, for instance that of a run and that of the call that wants to resume it."""

from typing import Any

_ABSENT = object()


def differing_keys(a: dict[str, Any], b: dict[str, Any]) -> list[str]:
    """Return the dotted keys whose values differ, sorted.

    Mappings are compared key by key; lists and scalars as a whole. A key that only one side has differs.
    3 and 3.0 are equal, true and 1 are not.
    """
    keys: list[str] = []
    for key in a.keys() | b.keys():
        left, right = a.get(key, _ABSENT), b.get(key, _ABSENT)
        if isinstance(left, dict) and isinstance(right, dict):
            keys.extend(f"{key}.{below}" for below in differing_keys(left, right))
        elif not _same(left, right):
            keys.append(key)
    return sorted(keys)


def _same(left: Any, right: Any) -> bool:
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(_same, left, right))
    if isinstance(left, dict) and isinstance(right, dict):
        return not differing_keys(left, right)
    both_nan = left != left and right != right
    return bool(left == right) or both_nan
