"""Plots of how a target depends on other columns."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from modelling.intervals import Z, interval
from plotting.style import BLUE, GREY, INK, ORANGE, grid, only_grid, short, styled


@styled
def target_by(
    table: pd.DataFrame, by: str, target: str, *, label: str | None = None, most: int = 24, bins: int = 10
) -> Figure:
    """Plot the mean of `target` by the categories of `by`, with 95 % intervals and the number of rows.

    Parameters
    ----------
    table : DataFrame
        Rows without a target are ignored.
    by : str
        A column of categories or numbers; more than `most` numbers are cut into `bins` of equal counts.
    target : str
        A column of numbers; one of 0 and 1, or of booleans, is shown as a share.
    label : str, optional
        Name of the mean (default: `target`).
    most : int, default 24
        Categories shown, the commonest ones.
    bins : int, default 10
        Number of bins for numbers.
    """
    summary, is_share = _means(table, by, target, most, bins)
    figure, (top, bottom) = grid(
        f"{label or target} by {by}", 2, 1, 7.5, 4.6, sharex=True, height_ratios=[3, 1]
    )
    positions = np.arange(len(summary))
    errors = np.abs(summary[["low", "high"]].to_numpy().T - summary["mean"].to_numpy())
    top.bar(positions, summary["mean"], color=BLUE, width=0.75)
    top.errorbar(positions, summary["mean"], yerr=errors, fmt="none", ecolor=INK, elinewidth=1.2, capsize=2)
    _overall(top, float(table[target].astype("float64").mean()), is_share)
    top.margins(y=0.22)
    top.set_ylim(bottom=min(0, float(summary["low"].min())))
    bottom.bar(positions, summary["rows"], color=GREY, width=0.75)
    bottom.set_ylabel("rows")
    names = [short(category, 14) for category in summary.index]
    is_long = max(map(len, names)) > 4
    bottom.set_xticks(positions, names, rotation=45 if is_long else 0, ha="right" if is_long else "center")
    for panel in (top, bottom):
        only_grid(panel, "y")
    return figure


def _overall(axes: Axes, mean: float, is_share: bool) -> None:
    """Plot the mean of all rows as a line."""
    text = f"{mean:.1%}" if is_share else f"{mean:.4g}"
    axes.axhline(mean, color=ORANGE, linewidth=1.4, linestyle="--", label=f"all rows: {text}")
    axes.legend(loc="upper left", fontsize=9)
    if is_share:
        axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))


def _means(table: pd.DataFrame, by: str, target: str, most: int, bins: int) -> tuple[pd.DataFrame, bool]:
    """Return mean, interval and rows for each category, and whether the target is a share."""
    known = table[[by, target]].dropna(subset=[target]) if by != target else table[[by]].dropna()
    groups = known[by]
    is_number = pd.api.types.is_numeric_dtype(groups)
    if is_number and groups.nunique() > most:
        cuts = pd.qcut(groups, bins, duplicates="drop", precision=3)
        groups = cuts.cat.rename_categories(lambda cut: f"{cut.left:.4g} to {cut.right:.4g}")
    summary, is_share = _summary(known[target].astype("float64"), groups)
    if len(summary) > most:
        summary = summary.nlargest(most, "rows")
    if not is_number:
        summary = summary.sort_values("mean", ascending=False, kind="stable")
    return summary, is_share


def _summary(values: pd.Series, groups: Any) -> tuple[pd.DataFrame, bool]:
    """Return mean, rows, low and high (95 % interval) of each group, and whether the values are shares."""
    is_share = bool(values.isin([0.0, 1.0]).all())
    summary = values.groupby(groups, observed=True).agg(mean="mean", rows="size", spread="std")
    rows = summary["rows"].to_numpy("float64")
    if is_share:
        low, high = interval(summary["mean"].to_numpy(), rows)
        return summary.assign(low=low, high=high), is_share
    half = Z * summary["spread"].fillna(0).to_numpy() / np.sqrt(rows)
    return summary.assign(low=summary["mean"] - half, high=summary["mean"] + half), is_share


@styled
def target_over_time(
    table: pd.DataFrame, time: str, target: str, *, label: str | None = None, frequency: str = "W"
) -> Figure:
    """Plot the mean of `target` in each week (or pandas `frequency`), its 95 % interval, and the rows."""
    known = table[[time, target]].dropna().astype({target: "float64"})
    periods = known[time].dt.to_period(frequency).dt.start_time
    summary, is_share = _summary(known[target], periods)
    title = f"{label or target} over time"
    figure, (top, bottom) = grid(title, 2, 1, 7.5, 4.2, sharex=True, height_ratios=[3, 1])
    top.fill_between(summary.index, summary["low"], summary["high"], color=BLUE, alpha=0.18, linewidth=0)
    top.plot(summary.index, summary["mean"], color=BLUE)
    _overall(top, float(known[target].mean()), is_share)
    bottom.fill_between(summary.index, 0, summary["rows"], color=GREY, step="mid", linewidth=0)
    bottom.set_ylabel("rows")
    bottom.set_ylim(bottom=0)
    return figure
