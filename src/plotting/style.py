"""The look of every picture: one palette that colour-blind readers tell apart, one frame, no global state."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, TypeVar

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

# Okabe and Ito's palette: told apart with every common kind of colour blindness, and in grey
BLUE, ORANGE, GREEN, PURPLE, SKY = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9"
INK, MUTED, FAINT = "#1F2933", "#66727F", "#E4E8EC"
SEQUENTIAL = LinearSegmentedColormap.from_list("sequential", ["#F3F7FA", "#9CC9E3", "#2F83B7", "#0B3C5D"])
DIVERGING = LinearSegmentedColormap.from_list("diverging", [ORANGE, "#F6D5C0", "#FAFAFA", "#BBD9EA", BLUE])
STYLE: dict[str, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "text.color": INK,
    "axes.labelcolor": MUTED,
    "axes.edgecolor": "#B8C1CA",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "axes.titlecolor": INK,
    "axes.formatter.useoffset": False,
    "grid.color": FAINT,
    "grid.linewidth": 0.8,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "legend.frameon": False,
    "lines.linewidth": 2,
    "lines.solid_capstyle": "round",
    "figure.facecolor": "white",
    "figure.titlesize": 12,
    "figure.titleweight": "bold",
}


F = TypeVar("F", bound=Callable[..., Figure])


@contextmanager
def in_style() -> Iterator[None]:
    """Set the workbench's style, whatever the reader's own settings are, for a while."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(STYLE)  # type: ignore[arg-type]
        yield


class Picture(Figure):
    """A figure that a notebook shows without pyplot's global state, drawn the same for every reader."""

    def savefig(self, *args: Any, **options: Any) -> None:
        """Write the figure in the style it was made in: much of it is looked up while it is drawn."""
        with in_style():
            super().savefig(*args, **options)

    def _repr_png_(self) -> tuple[bytes, dict[str, Any]]:
        stream = io.BytesIO()
        self.savefig(stream, dpi=144, metadata={"Software": None})
        width, height = self.get_size_inches()
        shown = {"width": round(width * 96), "height": round(height * 96), "alt": self.get_suptitle()}
        return stream.getvalue(), shown


def styled(draw: F) -> F:
    """Draw in the workbench's style."""

    @wraps(draw)
    def drawn(*args: Any, **options: Any) -> Figure:
        with in_style():
            return draw(*args, **options)

    return drawn  # type: ignore[return-value]


def canvas(title: str, width: float = 7.5, height: float = 3.8) -> tuple[Figure, Axes]:
    """Return a figure of `width` by `height` inches with a title, and its only axes."""
    figure, axes = grid(title, 1, 1, width, height)
    return figure, axes[0]


def grid(
    title: str, rows: int, columns: int, width: float, height: float, **options: Any
) -> tuple[Figure, list[Axes]]:
    """Return a figure with a title, and its rows times columns axes, row by row."""
    figure = Picture(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(title, x=0.01, ha="left")
    axes = figure.subplots(rows, columns, squeeze=False, **options)
    return figure, list(axes.flat)


def note(axes: Axes, text: str, x: float = 0.98, y: float = 0.04) -> None:
    """Write a small remark into a corner of `axes` (shares of its width and height)."""
    axes.text(
        x, y, text, transform=axes.transAxes, ha="right" if x > 0.5 else "left", color=MUTED, fontsize=9
    )


def short(text: object, most: int = 18) -> str:
    """Return `text`, cut to `most` characters."""
    return str(text) if len(str(text)) <= most else str(text)[: most - 1] + "…"


def only_grid(axes: Axes, which: str) -> None:
    """Keep the grid lines across the values only."""
    axes.grid(visible=False)
    axes.grid(visible=True, axis="x" if which == "x" else "y")
