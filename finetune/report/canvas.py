"""The look that all plots share, and how a figure becomes an image inside the page."""

import base64
import io
import unicodedata
import warnings

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

INK, MUTED, LINE = "#24292f", "#656d76", "#d8dee4"
ACCENT, SECOND, THIRD, PALE = "#1f5f99", "#c8702a", "#6c9a8b", "#c3d2e0"
LONGEST_NAME = 22

# Text stays text: the image is small and uses the reader's fonts. The salt makes equal figures equal bytes.
STYLE = {"svg.fonttype": "none", "svg.hashsalt": "report", "font.family": "sans-serif", "font.size": 10}


def new_figure(width: float, height: float) -> tuple[Figure, Axes]:
    """A figure with one pair of axes, in inches."""
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(LINE)
    axes.tick_params(colors=MUTED, labelsize=9, length=0)
    axes.set_axisbelow(True)
    return figure, axes


def name_axes(axes: Axes, x: str, y: str) -> None:
    """Write the names of both axes."""
    axes.set_xlabel(x, color=MUTED, fontsize=9.5, parse_math=False)
    axes.set_ylabel(y, color=MUTED, fontsize=9.5, parse_math=False)


def short(name: str) -> str:
    """A label as a plot shows it: one line without control characters, its middle cut out where it is long."""
    plain = "".join(" " if unicodedata.category(sign)[0] == "C" else sign for sign in name)
    if len(plain) <= LONGEST_NAME:
        return plain
    return f"{plain[: LONGEST_NAME - 9]}…{plain[-8:]}"


def image(figure: Figure) -> str:
    """Draw a figure as an SVG data URI."""
    buffer = io.BytesIO()
    # A glyph that matplotlib's own font lacks is drawn all the same, by the reader's fonts.
    with mpl.rc_context(STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    svg = buffer.getvalue().replace(b"'DejaVu Sans', ", b"system-ui, 'Segoe UI', Roboto, 'DejaVu Sans', ")
    return "data:image/svg+xml;base64," + base64.b64encode(svg).decode("ascii")
