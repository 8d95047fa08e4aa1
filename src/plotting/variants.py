"""Plots of how two variants compare."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter, StrMethodFormatter

from modelling.intervals import interval
from plotting.style import BLUE, INK, MUTED, ORANGE, canvas, note, only_grid, styled


@styled
def difference_course(course: pd.DataFrame, stopped: int = 0, margin: float = 0.0) -> Figure:
    """Plot the challenger's mean loss minus the champion's, with its interval, over the observations.

    Parameters
    ----------
    course : DataFrame
        observations, difference, low, high.
    stopped : int, default 0
        Number of observations after which the test had its answer; 0: it has none.
    margin : float, default 0
        Largest difference that does not matter; 0: all do.
    """
    figure, axes = canvas("Challenger minus champion, as observations came in")
    observations = course["observations"]
    axes.axhline(0, color=ORANGE, linewidth=1.4, linestyle="--")
    if margin:
        axes.axhspan(-margin, margin, color=ORANGE, alpha=0.12, linewidth=0, label="does not matter")
    axes.fill_between(
        observations, course["low"], course["high"], color=BLUE, alpha=0.2, linewidth=0, label="interval"
    )
    axes.plot(observations, course["difference"], color=BLUE, label="difference")
    if stopped:
        axes.axvline(stopped, color=INK, linewidth=1.2, linestyle=":", label=f"answer after {stopped:,}")
    _limit(axes, course, margin)
    axes.set(xlabel="observations", ylabel="mean loss, challenger minus champion")
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    note(axes, "below 0 the challenger is better")
    axes.legend(loc="upper right", fontsize=9)
    return figure


def _limit(axes: Axes, course: pd.DataFrame, margin: float) -> None:
    """Fit the axes to the last nine tenths: the first intervals are as wide as the losses themselves."""
    later = course[course["observations"] >= course["observations"].max() / 10]
    high = 1.15 * max(float(later["high"].max()), -float(later["low"].min()), margin, 1e-9)
    axes.set_ylim(-high, high)
    axes.set_xlim(0, float(course["observations"].max()))


@styled
def variant_shares(variants: pd.DataFrame) -> Figure:
    """Plot the actual share of requests of each variant, with 95 % Wilson interval, and the planned one.

    `variants` has the columns variant, planned, share and requests.
    """
    part = variants[::-1]
    figure, axes = canvas("Share of each variant", height=1.4 + 0.5 * max(len(part), 2))
    positions = np.arange(len(part))
    low, high = interval(part["share"].to_numpy("float64"), np.full(len(part), float(part["requests"].sum())))
    errors = np.abs([part["share"] - low, high - part["share"]])
    axes.errorbar(
        part["share"], positions, xerr=errors, fmt="o", color=BLUE, capsize=3, elinewidth=1.2, label="actual"
    )
    axes.plot(
        part["planned"], positions, "|", color=ORANGE, markersize=18, markeredgewidth=2, label="planned"
    )
    axes.set_yticks(
        positions,
        [f"{name} ({count:,})" for name, count in zip(part["variant"], part["requests"], strict=True)],
    )
    axes.set_ylim(-0.6, len(part) - 0.4)
    axes.set_xlim(0, 1)
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.tick_params(axis="y", labelcolor=MUTED)
    axes.legend(fontsize=9)
    only_grid(axes, "x")
    return figure
