"""The table of RESULTS.md: a row for each benchmark, of which a later run replaces its own; pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

COLUMNS = ("name", "value", "goal", "met", "detail", "date", "commit", "machine")
TITLE = "# Results\n\nWritten by `python -m benchmarks`; each row is the latest run of one benchmark.\n"


@dataclass(frozen=True)
class Place:
    """When, from which commit and where a benchmark was run."""

    date: str
    commit: str
    machine: str


def row(line: Mapping[str, Any], place: Place) -> str:
    """The table's row for the JSON line of one benchmark."""
    met = "yes" if line["meets"] else "**no**"
    value = f"{number(line['value'])} {line['unit']}"
    return _row(line["name"], value, line["goal"], met, short(line["detail"]), place.date, place.commit, place.machine)


def failed_row(name: str, reason: str, place: Place) -> str:
    """The table's row for a benchmark that gave no figure."""
    return _row(name, "-", "-", "**no**", reason, place.date, place.commit, place.machine)


def updated(old: str, rows: Mapping[str, str], order: Sequence[str]) -> str:
    """The text of RESULTS.md with some rows replaced and the others kept.

    Args:
        old: The text before; empty if there is none.
        rows: New rows by name of benchmark.
        order: All benchmarks in the table's order; rows of others are dropped.
    """
    known = {**_rows(old), **rows}
    head = [_row(*COLUMNS), _row(*("---" for _ in COLUMNS))]
    return "\n".join([TITLE, *head, *(known[name] for name in order if name in known)]) + "\n"


def short(detail: Mapping[str, Any]) -> str:
    """A benchmark's detail in one line: `name value`, and for a figure its goal and whether it is met."""
    return "; ".join(f"{name.replace('_', ' ')} {_text(value)}" for name, value in detail.items())


def number(value: float) -> str:
    """A number as a person writes it: about four digits, no exponent."""
    if value == int(value):
        return f"{int(value):,}"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def _text(value: Any) -> str:
    if isinstance(value, Mapping) and value.keys() >= {"value", "unit", "goal", "meets"}:
        amount = f"{number(value['value'])} {value['unit']}".rstrip()
        return f"{amount} ({value['goal']}: {'met' if value['meets'] else '**missed**'})"
    if isinstance(value, Mapping):
        return f"({', '.join(f'{name} {_text(part)}' for name, part in value.items())})"
    if isinstance(value, list):
        return " ".join(_text(part) for part in value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    return number(value)


def _rows(text: str) -> dict[str, str]:
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    return {line.split("|")[1].strip(): line for line in lines[2:]}


def _row(*cells: str) -> str:
    return f"| {' | '.join(' '.join(cell.replace('|', '/').split()) for cell in cells)} |"
