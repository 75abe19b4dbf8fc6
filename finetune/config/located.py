"""Config values that know where they were written, and problems that say so."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

KeyPath = tuple[str | int, ...]


@dataclass(frozen=True)
class Place:
    """A line of a file, a whole file, or an override of the command line."""

    source: str
    """A file as the user names it, or `--set train.epochs=3`."""
    line: int | None = None
    """Counts from 1; None stands for the whole source."""

    def __str__(self) -> str:
        """Return file:line, as editors and terminals link it."""
        return self.source if self.line is None else f"{self.source}:{self.line}"


@dataclass(frozen=True)
class Located:
    """A value and its place; mappings and lists hold located values again."""

    value: Any
    """dict[str, Located], list[Located], str, int, float, bool or None."""
    place: Place
    text: str | None = None
    """A scalar as it was written, before YAML gave it a type."""
    referenced: bool = False
    """The value came out of an environment variable, so that only its text may be shown."""

    def moved(self, place: Place) -> "Located":
        """Return the same value at another place."""
        return replace(self, place=place)


@dataclass(frozen=True)
class Problem:
    """One line of a config error."""

    place: Place
    path: KeyPath
    rule: str

    def __str__(self) -> str:
        """Return place: key: rule."""
        return ": ".join(part for part in (str(self.place), dotted(self.path), self.rule) if part)


def dotted(path: Sequence[str | int]) -> str:
    """Return `train.epochs` for ("train", "epochs")."""
    return ".".join(str(key) for key in path)


def plain(tree: Located) -> Any:
    """Return the value without places."""
    if isinstance(tree.value, dict):
        return {key: plain(child) for key, child in tree.value.items()}
    if isinstance(tree.value, list):
        return [plain(child) for child in tree.value]
    return tree.value


def located(value: Any, place: Place) -> Located:
    """Return plain values, each at one and the same place."""
    if isinstance(value, dict):
        value = {key: located(child, place) for key, child in value.items()}
    elif isinstance(value, list):
        value = [located(child, place) for child in value]
    return Located(value, place)
