"""The report's plots, each an SVG data URI, drawn with matplotlib's object interface (no global figure)."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter
from numpy.typing import NDArray

from finetune.evaluation.calibration import FEW, Calibration
from finetune.report.canvas import (
    ACCENT,
    INK,
    LINE,
    MUTED,
    PALE,
    SECOND,
    THIRD,
    image,
    name_axes,
    new_figure,
    short,
)

WIDTH = 4.7
SHADES = LinearSegmentedColormap.from_list("shades", ["#ffffff", "#a9c4de", ACCENT])
SPLIT_COLORS = {"train": ACCENT, "validation": SECOND, "test": THIRD}
MOST_SHARES = 8
"""Labels up to which a cell has room for its share below its count."""


def loss_curve(history: Sequence[Mapping[str, float]], kept: float | None) -> str:
    """Loss of train and validation over optimiser steps, and the step whose checkpoint was kept."""
    figure, axes = new_figure(WIDTH, 2.9)
    _line(axes, *_series(history, "loss"), label="train", color=PALE, mark=None)
    _line(axes, *_series(history, "validation_loss"), label="validation", color=ACCENT, mark="o")
    name_axes(axes, "step", "loss")
    if axes.lines:
        axes.legend(frameon=False, labelcolor=INK, fontsize=9.5)
    return _finish_curve(figure, axes, history, kept)


def metric_curve(history: Sequence[Mapping[str, float]], metric: str, name: str, kept: float | None) -> str:
    """One metric on validation over optimiser steps, and the step whose checkpoint was kept."""
    figure, axes = new_figure(WIDTH, 2.9)
    _line(axes, *_series(history, f"validation_{metric}"), label="validation", color=ACCENT, mark="o")
    name_axes(axes, "step", name)
    return _finish_curve(figure, axes, history, kept)


def has_points(history: Sequence[Mapping[str, float]], key: str) -> bool:
    """Whether the history has a point of this series that can be drawn."""
    return bool(_series(history, key)[0])


def _series(history: Sequence[Mapping[str, float]], key: str) -> tuple[list[float], list[float]]:
    points = [(point["step"], point[key]) for point in history if math.isfinite(point.get(key, math.nan))]
    return [step for step, _ in points], [value for _, value in points]


def _line(axes: Axes, x: list[float], y: list[float], *, label: str, color: str, mark: str | None) -> None:
    if x:
        # A line of a single point would be invisible without a mark.
        axes.plot(x, y, color=color, lw=2, marker=mark or ("o" if len(x) == 1 else None), ms=5, label=label)


def _finish_curve(figure: Figure, axes: Axes, history: Sequence[Mapping[str, float]], kept: float | None) -> str:
    if kept is not None:
        axes.axvline(kept, color=MUTED, lw=1, ls=(0, (4, 4)), zorder=1)
    axes.grid(axis="y", color=LINE, lw=0.7)
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    axes.margins(y=0.12)
    # All curves of the page span the same steps.
    axes.set_xlim(0, 1.03 * max([1, *(point["step"] for point in history)]))
    return image(figure)


def confusion_plot(confusion: NDArray[np.integer], labels: Sequence[str]) -> str:
    """Confusion matrix: colour is the share of the true label, text the count and, with room, the share."""
    size = len(labels)
    side = min(max(WIDTH, 2.2 + 0.38 * size), 12)
    figure, axes = new_figure(side, side * 0.86)
    totals = confusion.sum(axis=1, keepdims=True)
    shares = np.divide(confusion, totals, out=np.zeros(confusion.shape), where=totals > 0)
    axes.imshow(shares, cmap=SHADES, vmin=0, vmax=1)
    axes.spines[:].set_visible(False)
    axes.set_xticks(np.arange(size - 1) + 0.5, minor=True)
    axes.set_yticks(np.arange(size - 1) + 0.5, minor=True)
    axes.grid(which="minor", color=LINE, lw=0.7)
    axes.tick_params(which="minor", length=0)
    names = [short(label) for label in labels]
    flat = size <= 5 and max(map(len, names)) <= 12
    axes.set_xticks(range(size), names, rotation=0 if flat else 90, parse_math=False)
    axes.set_yticks(range(size), names, parse_math=False)
    name_axes(axes, "predicted", "true")
    _write_cells(axes, confusion, shares)
    return image(figure)


def _write_cells(axes: Axes, confusion: NDArray[np.integer], shares: NDArray[np.float64]) -> None:
    with_share = len(confusion) <= MOST_SHARES
    for (row, column), count in np.ndenumerate(confusion):
        if count:
            share = shares[row, column]
            text = f"{count:,}\n{share:.0%}" if with_share else f"{count}"
            color = "white" if share > 0.6 else INK
            axes.text(column, row, text, ha="center", va="center", color=color, fontsize=10 if with_share else 7.5)


def reliability_plot(calibration: Calibration) -> str:
    """Accuracy against confidence in each bin, above the share of ids; of few ids it is hollow and off the line."""
    figure, axes = new_figure(WIDTH, WIDTH * 0.86)
    bins = [part for part in calibration.bins if part.accuracy is not None]
    total = sum(part.count for part in bins)
    left = [part.lower for part in bins]
    width = [part.upper - part.lower for part in bins]
    shares = [part.count / total for part in bins]
    points = np.array([(part.confidence, part.accuracy) for part in bins], dtype=np.float64)
    few = np.array([part.count < FEW for part in bins])
    axes.plot(*points[~few].T, "o-", color=ACCENT, lw=2, ms=6, label="accuracy")
    axes.plot(*points[few].T, "o", color=ACCENT, mfc="white", ms=6)
    axes.plot([0, 1], [0, 1], color=MUTED, lw=1, ls=(0, (4, 4)), label="as sure as right")
    axes.bar(left, shares, width, align="edge", color=PALE, alpha=0.55, ec="white", label="share of ids")
    figure.legend(loc="outside upper left", ncols=3, frameon=False, labelcolor=INK, fontsize=9.5)
    axes.set(xlim=(0, 1), ylim=(0, 1.02))
    axes.tick_params(axis="x", pad=8)  # or its 0% would touch that of the other axis
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    name_axes(axes, "top probability", "accuracy")
    return image(figure)


def counts_plot(parts: Mapping[str, Sequence[int]], labels: Sequence[str]) -> str:
    """Ids per label as bars; several parts, such as splits, are stacked.

    Args:
        parts: Counts in order of the labels, by the name of the part.
        labels: Names, drawn from top to bottom.
    """
    figure, axes = new_figure(WIDTH, 0.8 + 0.29 * max(len(labels), 3))
    start = np.zeros(len(labels))
    for name, counts in parts.items():
        color = SPLIT_COLORS.get(name, PALE)
        axes.barh(range(len(labels)), counts, 0.68, left=start, color=color, label=name)
        start += np.asarray(counts)
    for row, total in enumerate(start):
        axes.annotate(f"{int(total):,}", (total, row), (4, 0), textcoords="offset points", va="center", color=MUTED)
    axes.set_yticks(range(len(labels)), [short(label) for label in labels], parse_math=False)
    axes.set_ylim(len(labels) - 0.4, -0.6)
    axes.set_xlim(0, max(start.max(initial=0), 1) * 1.14)
    axes.xaxis.set_visible(False)
    axes.spines["bottom"].set_visible(False)
    if len(parts) > 1:
        figure.legend(loc="outside upper left", ncols=len(parts), frameon=False, labelcolor=INK, fontsize=9.5)
    return image(figure)
