"""Values for a tuning job's training jobs, from its request's ranges. Pure: the same seed gives the same values."""

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

Values = dict[str, str]
# Enough for the last of a thousand combinations, also where a scale makes it rare.
REDRAWS = 100_000


@dataclass(frozen=True)
class Choice:
    """A categorical range."""

    name: str
    values: tuple[str, ...]

    def at(self, place: float) -> str:
        """The value at a place in [0, 1)."""
        return self.values[int(place * len(self.values))]


@dataclass(frozen=True)
class Number:
    """A continuous or integer range, both ends included."""

    name: str
    least: float
    most: float
    scaling: str
    whole: bool

    def at(self, place: float) -> str:
        """The value at a place in [0, 1); of integers, each takes as much of the scale as lies around it."""
        half = 0.5 if self.whole else 0.0
        value = _between(self.least - half, self.most + half, place, self.scaling)
        value = min(max(value, self.least), self.most)
        return str(round(value)) if self.whole else repr(value)


Range = Choice | Number


def ranges_of(described: dict[str, Any]) -> list[Range]:
    """The ranges of a request's ParameterRanges.

    Raises:
        ValueError: A bound is no number.
    """
    kinds = {"IntegerParameterRanges": True, "ContinuousParameterRanges": False}
    numbers = [_number(each, whole) for kind, whole in kinds.items() for each in described.get(kind) or []]
    choices = [
        Choice(each["Name"], tuple(each["Values"])) for each in described.get("CategoricalParameterRanges") or []
    ]
    return [*numbers, *choices]


def combinations(ranges: list[Range]) -> float:
    """How many different proposals there are."""
    counts = (len(each.values) if isinstance(each, Choice) else _count(each) for each in ranges)
    return math.prod(counts, start=1.0)


def grid(choices: list[Choice]) -> Iterator[Values]:
    """Every combination once."""
    for values in product(*(each.values for each in choices)):
        yield {each.name: value for each, value in zip(choices, values, strict=True)}


def draws(ranges: list[Range], seed: int) -> Iterator[Values]:
    """Random proposals without end; none comes twice unless nothing new is found."""
    chance, seen = random.Random(seed), set()
    while True:
        for _ in range(REDRAWS):
            proposal = {each.name: each.at(chance.random()) for each in ranges}
            key = tuple(proposal.values())
            if key not in seen:
                break
        seen.add(key)
        yield proposal


def _number(described: dict[str, str], whole: bool) -> Number:
    read = int if whole else float
    least, most = read(described["MinValue"]), read(described["MaxValue"])
    return Number(described["Name"], least, most, described.get("ScalingType", "Auto"), whole)


def _between(least: float, most: float, place: float, scaling: str) -> float:
    if scaling == "Logarithmic":
        return math.exp(_between(math.log(least), math.log(most), place, "Linear"))
    if scaling == "ReverseLogarithmic":
        return 1 - _between(1 - least, 1 - most, place, "Logarithmic")
    return least * (1 - place) + most * place


def _count(number: Number) -> float:
    return number.most - number.least + 1 if number.whole else math.inf
