"""Counts, means and ranges of numeric columns for each name, gathered batch by batch."""

import csv
import io
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

COLUMNS = ("name", "column", "rows", "missing", "mean", "std", "min", "max")
ALL = ""
"""The name that stands for all rows."""


@dataclass
class Moments:
    """Of one column; two are put together by the formula of Chan, Golub and LeVeque (1979)."""

    rows: int = 0
    count: int = 0
    """Rows that have a number."""
    mean: float = 0.0
    squares: float = 0.0
    """Sum of the squared distances from the mean."""
    low: float = math.inf
    high: float = -math.inf

    def add(self, values: NDArray[np.float64]) -> None:
        """Counts a batch; NaN counts as missing."""
        self.rows += len(values)
        there = values[np.isfinite(values)]
        if not len(there):
            return
        mean, count = float(there.mean()), self.count + len(there)
        apart = mean - self.mean
        self.squares += float(((there - mean) ** 2).sum()) + apart**2 * self.count * len(there) / count
        self.mean += apart * len(there) / count
        self.count = count
        self.low, self.high = min(self.low, float(there.min())), max(self.high, float(there.max()))

    @property
    def std(self) -> float:
        """Of all values, not of a sample of them."""
        return math.sqrt(self.squares / self.count) if self.count else math.nan


@dataclass
class Statistics:
    """Of all numeric columns, for all rows and for those of each name."""

    found: dict[tuple[str, str], Moments] = field(default_factory=dict)
    """By name and column."""

    def add(self, names: Sequence[str | None], columns: Mapping[str, NDArray[np.float64]]) -> None:
        """Counts a batch of rows.

        Args:
            names: A name for each row.
            columns: The rows' numbers, by column.
        """
        named = np.array([name or "" for name in names], dtype=object)
        for name in (ALL, *sorted(set(named) - {ALL})):
            rows = slice(None) if name == ALL else named == name
            for column, values in columns.items():
                self.found.setdefault((name, column), Moments()).add(values[rows])

    @property
    def names(self) -> list[str]:
        """Those that occur, in order."""
        return sorted({name for name, _ in self.found} - {ALL})

    @property
    def columns(self) -> list[str]:
        """The numeric columns, in their order."""
        return list(dict.fromkeys(column for _, column in self.found))

    def lines(self) -> Iterator[tuple[str, ...]]:
        """A line for each name and column, as COLUMNS says; what there is nothing of is empty."""
        for (name, column), each in sorted(self.found.items(), key=lambda item: item[0][0]):
            numbers = [each.mean, each.std, each.low, each.high] if each.count else []
            told = [f"{number:.9g}" for number in numbers] or [""] * 4
            yield (name, column, str(each.rows), str(each.rows - each.count), *told)

    def to_csv(self) -> str:
        """The lines below their heads."""
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([COLUMNS, *self.lines()])
        return text.getvalue()
