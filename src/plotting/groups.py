"""Plots of models of many groups: their forecasts beside what came, and how they compare with simple ones."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from plotting.style import BLUE, GREY, INK, MUTED, ORANGE, canvas, empty, grid, note, only_grid, short, styled


@styled
def group_forecasts(forecasts: pd.DataFrame, groups: Sequence[str], across: int = 3) -> Figure:
    """Plot actual values, forecasts and their intervals over time, a small panel for each of `groups`.

    `forecasts` has the columns group, time, actual, predicted, low and high.
    """
    title = "Forecasts and what came"
    if not len(groups):
        return empty(title, "no group is named")
    down = -(-len(groups) // across)
    figure, panels = grid(title, down, across, 3.4 * across + 0.4, 0.9 + 1.9 * down)
    for group, axes in zip(groups, panels, strict=False):
        _over_time(axes, forecasts[forecasts["group"] == group].sort_values("time"))
        axes.set_title(short(group, 32), fontsize=9)
    for axes in panels[len(groups) :]:
        axes.set_visible(False)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3, fontsize=9)
    return figure


def _over_time(axes: Axes, rows: pd.DataFrame) -> None:
    axes.fill_between(
        rows["time"], rows["low"], rows["high"], color=BLUE, alpha=0.2, linewidth=0, label="interval"
    )
    axes.plot(rows["time"], rows["actual"], color=INK, linewidth=1, label="actual")
    axes.plot(rows["time"], rows["predicted"], color=BLUE, linewidth=1.2, label="forecast")
    axes.set_ylim(bottom=min(0.0, float(rows["actual"].min())))
    axes.tick_params(axis="x", labelsize=7, rotation=30)
    axes.tick_params(axis="y", labelsize=7)
    only_grid(axes, "y")


@styled
def group_errors(groups: pd.DataFrame, other: str) -> Figure:
    """Plot the error of each group's forecasts against that of `other` forecasts, a mark for each group.

    `groups` has the columns wape_predicted and ``wape_<other>``, shares of the actual values.
    """
    figure, axes = canvas(f"Error of each group, and of {short(other, 40)}", 5.6, 5.0)
    own, simple = groups["wape_predicted"], groups[f"wape_{other}"]
    wins = own < simple
    high = 1.05 * float(np.nanmax([own.max(), simple.max(), 0.1]))
    axes.plot([0, high], [0, high], color=GREY, linewidth=1.2, linestyle="--")
    axes.scatter(simple[wins], own[wins], s=22, color=BLUE, label=f"better: {wins.sum()}")
    axes.scatter(
        simple[~wins], own[~wins], s=22, color=ORANGE, marker="s", label=f"not: {int((~wins).sum())}"
    )
    axes.set(
        xlim=(0, high), ylim=(0, high), xlabel=f"WAPE of {short(other, 40)}", ylabel="WAPE of the models"
    )
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    note(axes, "below the line the models are better")
    axes.legend(loc="upper left", fontsize=9)
    return figure


@styled
def interval_coverage(groups: pd.DataFrame, intended: float) -> Figure:
    """Plot how many groups have which share of rows in their intervals, beside the `intended` share.

    `groups` has the column coverage, from 0 to 1.
    """
    figure, axes = canvas("Share of rows in the intervals, by group")
    known = groups["coverage"].dropna()
    if known.empty:
        return empty("Share of rows in the intervals, by group", "no forecast has an interval")
    axes.hist(known, bins=np.linspace(0, 1, 41).tolist(), color=BLUE)
    axes.axvline(intended, color=ORANGE, linewidth=1.4, linestyle="--", label=f"intended: {intended:.0%}")
    axes.axvline(
        float(known.mean()), color=MUTED, linewidth=1.2, linestyle=":", label=f"mean: {known.mean():.1%}"
    )
    axes.set(xlim=(max(0.0, float(known.min()) - 0.05), 1), xlabel="coverage", ylabel="groups")
    axes.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes.legend(loc="upper left", fontsize=9)
    only_grid(axes, "y")
    return figure
