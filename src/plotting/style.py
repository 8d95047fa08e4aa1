"""The style of every plot: one palette that colour-blind readers tell apart, one frame, no global state."""

import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from typing import Any, Literal, TypeAlias, TypeVar

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.container import BarContainer
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

# Okabe and Ito's palette: told apart with every common kind of colour blindness, and in grey
BLUE, ORANGE, GREEN = "#0072B2", "#D55E00", "#009E73"
INK, MUTED, GREY, FAINT = "#1F2933", "#66727F", "#B8C1CA", "#E4E8EC"
# of classes beside one another: Okabe and Ito's palette, then greys
SHADES = (BLUE, ORANGE, GREEN, "#CC79A7", "#E69F00", "#56B4E9", "#F0E442", INK, MUTED, GREY)
SEQUENTIAL = LinearSegmentedColormap.from_list("sequential", ["#F3F7FA", "#9CC9E3", "#2F83B7", "#0B3C5D"])
DIVERGING = LinearSegmentedColormap.from_list("diverging", [ORANGE, "#F6D5C0", "#FAFAFA", "#BBD9EA", BLUE])
STYLE: dict[str, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "text.color": INK,
    "text.parse_math": False,  # $ in a name or a category is a dollar
    "axes.labelcolor": MUTED,
    "axes.edgecolor": GREY,
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
Values: TypeAlias = Sequence[float] | pd.Series | np.ndarray[Any, Any]
F = TypeVar("F", bound=Callable[..., Figure])


@contextmanager
def in_style() -> Iterator[None]:
    """Use the workbench's style inside the block, whatever the reader's own settings are."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(STYLE)  # type: ignore[arg-type]
        yield


class Plot(Figure):
    """A figure that a notebook shows without pyplot's global state, the same for every reader."""

    def savefig(self, fname: Any, *, dpi: Any = "figure", **options: Any) -> None:
        """Write the figure in the workbench's style, much of which is looked up while it is drawn.

        A PNG is drawn once: matplotlib draws any file twice, to know what is in it before it is cut.
        """
        is_png = isinstance(fname, io.BytesIO) or str(fname).endswith(".png")
        with in_style():
            if not is_png or dpi == "figure" or options.keys() - {"metadata"}:
                super().savefig(fname, dpi=dpi, **options)
                return
            before = self.dpi
            self.set_dpi(dpi)
            FigureCanvasAgg(self).print_png(fname, **options)  # type: ignore[no-untyped-call]
            self.set_dpi(before)

    def _repr_png_(self) -> tuple[bytes, dict[str, Any]]:
        stream = io.BytesIO()
        self.savefig(stream, dpi=144, metadata={"Software": None})
        width, height = self.get_size_inches()
        size = {"width": round(width * 96), "height": round(height * 96)}
        return stream.getvalue(), {**size, "alt": self.get_suptitle()}


def styled(draw: F) -> F:
    """Decorate a function that plots: it draws in the workbench's style."""

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
    figure = Plot(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(short(title, int(10 * width)), x=0.01, ha="left")
    axes = figure.subplots(rows, columns, squeeze=False, **options)
    return figure, list(axes.flat)


def empty(title: str, reason: str) -> Figure:
    """Return a figure that says why there is nothing to plot."""
    figure, axes = canvas(title, height=1.4)
    axes.set_axis_off()
    axes.text(0, 0.5, reason, transform=axes.transAxes, color=MUTED)
    return figure


def note(axes: Axes, text: str, x: float = 0.98, y: float = 0.04) -> None:
    """Write a note into `axes`, at shares `x` and `y` of its width and height."""
    side = "right" if x > 0.5 else "left"
    axes.text(x, y, text, transform=axes.transAxes, ha=side, color=MUTED, fontsize=9)


def ranking(title: str, names: Iterable[object], values: pd.Series) -> tuple[Figure, Axes, BarContainer]:
    """Return a figure with a horizontal bar for each name, the first on top, its axes and its bars."""
    figure, axes = canvas(title, height=1.2 + 0.24 * max(len(values), 3))
    return figure, axes, named_bars(axes, [short(name, 40) for name in names], values)


def named_bars(axes: Axes, names: Sequence[str], values: pd.Series) -> BarContainer:
    """Draw a horizontal bar for each name, the first on top, also where names are alike."""
    bars = axes.barh(range(len(names)), values[::-1], color=BLUE, height=0.7)
    axes.set_yticks(range(len(names)), names[::-1])
    only_grid(axes, "x")
    return bars


def heatmap(
    axes: Axes, values: np.ndarray[Any, Any], rows: Sequence[str], columns: Sequence[str], **style: Any
) -> AxesImage:
    """Draw a matrix with named rows and columns; long names of columns are slanted."""
    image = axes.imshow(values, **style)
    names = [short(name) for name in columns]
    is_long = max(map(len, names), default=0) > 8
    axes.set_xticks(range(len(columns)), names, rotation=60 * is_long, ha="right" if is_long else "center")
    axes.set_yticks(range(len(rows)), [short(name, 30) for name in rows])
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    return image


def short(text: object, most: int = 18) -> str:
    """Return `text` on one line, cut to `most` characters."""
    line = " ".join(str(text).split())
    return line if len(line) <= most else line[: most - 1] + "…"


def only_grid(axes: Axes, which: Literal["x", "y"]) -> None:
    """Keep only the grid lines of one axis, "x" or "y"."""
    axes.grid(visible=False)
    axes.grid(visible=True, axis=which)
