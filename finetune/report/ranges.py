"""Plots of a table of features: rows by name, and the range of a column for each name."""

import math
from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes

from finetune.features.statistics import Moments, Statistics
from finetune.report.canvas import ACCENT, LINE, MUTED, PALE, image, new_figure, short

WIDTH = 4.7


def counts_of(rows: Mapping[str, int]) -> str:
    """Rows by name, as bars from top to bottom."""
    figure, axes = new_figure(WIDTH, _height(len(rows)))
    axes.barh(range(len(rows)), list(rows.values()), 0.68, color=PALE)
    for place, count in enumerate(rows.values()):
        axes.annotate(f"{count:,}", (count, place), (4, 0), textcoords="offset points", va="center", color=MUTED)
    axes.set_xlim(0, 1.14 * max([1, *rows.values()]))
    axes.xaxis.set_visible(False)
    axes.spines["bottom"].set_visible(False)
    _name_rows(axes, list(rows))
    return image(figure)


def ranges(statistics: Statistics, column: str, names: Sequence[str]) -> str:
    """For each name a line from least to greatest, a thick one of a standard deviation each way, and the mean."""
    figure, axes = new_figure(WIDTH, _height(len(names)))
    for place, name in enumerate(names):
        found = statistics.found.get((name, column), Moments())
        if found.count and math.isfinite(found.mean):
            axes.plot([found.low, found.high], [place, place], color=PALE, lw=1.5)
            middle = [max(found.low, found.mean - found.std), min(found.high, found.mean + found.std)]
            axes.plot(middle, [place, place], color=ACCENT, lw=4, solid_capstyle="butt", alpha=0.55)
            axes.plot([found.mean], [place], "o", color=ACCENT, ms=5)
    axes.grid(axis="x", color=LINE, lw=0.7)
    _name_rows(axes, names)
    return image(figure)


def _name_rows(axes: Axes, names: Sequence[str]) -> None:
    axes.set_yticks(range(len(names)), [short(name) or "all" for name in names], parse_math=False)
    axes.set_ylim(len(names) - 0.4, -0.6)


def _height(rows: int) -> float:
    return 0.8 + 0.29 * max(rows, 3)
