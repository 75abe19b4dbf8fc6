"""The conditions of a condition step. Pure."""

import operator
from collections.abc import Callable
from typing import Any

from rehearsal.errors import ClientFault

COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "Equals": operator.eq,
    "GreaterThan": operator.gt,
    "GreaterThanOrEqualTo": operator.ge,
    "LessThan": operator.lt,
    "LessThanOrEqualTo": operator.le,
}


def holds(condition: dict[str, Any], resolved: Callable[[Any], Any]) -> bool:
    """Whether a condition is true; `resolved` replaces variables.

    Raises:
        ClientFault: Its type is unknown, or its values cannot be compared.
    """
    kind = condition["Type"]
    if kind == "Not":
        return not holds(condition["Expression"], resolved)
    if kind in ("And", "Or"):
        parts = [holds(part, resolved) for part in condition["Conditions"]]
        return all(parts) if kind == "And" else any(parts)
    if kind == "In":
        return resolved(condition["QueryValue"]) in [resolved(value) for value in condition["Values"]]
    if kind not in COMPARE:
        raise ClientFault(f"condition type {kind} is not rehearsed")
    left, right = resolved(condition["LeftValue"]), resolved(condition["RightValue"])
    try:
        return COMPARE[kind](left, right)
    except TypeError as error:
        raise ClientFault(f"{left!r} and {right!r} cannot be compared by {kind}") from error
