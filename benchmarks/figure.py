"""A measured figure with its goal, and the JSON line that a benchmark ends with: pure."""

import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Figure:
    """One measured value, what it should be, and whether it is."""

    value: float
    unit: str
    goal: str
    meets: bool

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as JSON holds them."""
        return {"value": round(self.value, 4), "unit": self.unit, "goal": self.goal, "meets": self.meets}


def under(value: float, limit: float, unit: str) -> Figure:
    """A figure that must be below a limit."""
    return Figure(value, unit, f"under {limit:g}", value < limit)


def at_least(value: float, limit: float, unit: str) -> Figure:
    """A figure that must reach a limit."""
    return Figure(value, unit, f"at least {limit:g}", value >= limit)


def all_of(done: int, total: int, unit: str) -> Figure:
    """A count that must be complete."""
    return Figure(done, unit, f"all {total}", done == total)


def json_line(name: str, headline: Figure, others: dict[str, Figure], **detail: Any) -> str:
    """The last line of a benchmark.

    Args:
        name: The benchmark's name.
        headline: The figure that stands for the benchmark.
        others: Further figures; `meets` is true only if these reach their goals too.
        detail: What else was measured, as JSON can hold it.
    """
    figures = {key: figure.to_dict() for key, figure in others.items()}
    meets = headline.meets and all(figure.meets for figure in others.values())
    return json.dumps(
        {"name": name, **headline.to_dict(), "meets": meets, "detail": {**figures, **detail}}, ensure_ascii=False
    )
