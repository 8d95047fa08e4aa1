"""Pictures of how a target goes with other columns."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from modelling import metrics as measures
from plotting.style import BLUE, INK, ORANGE, SEQUENTIAL, canvas, grid, only_grid, short, styled


@styled
def target_by(
    table: pd.DataFrame, by: str, target: str, *, label: str | None = None, most: int = 24, bins: int = 10
) -> Figure:
    """Draw the mean of `target` by the levels of `by`, with 95 % intervals and the number of rows.

    Parameters
    ----------
    table : DataFrame
        Rows without a target are left out.
    by : str
        A column of levels, or of numbers; of more than `most` numbers, `bins` of equal counts are made.
    target : str
        A column of numbers; one of 0 and 1 (or truth values) is shown as a share.
    label : str, optional
        What the mean of the target is called (default: its name).
    most : int, default 24
        Levels shown at most, the commonest ones.
    bins : int, default 10
        Number of bins for numbers.

    Returns
    -------
    Figure
    """
    summary, share = _means(table, by, target, most, bins)
    figure, places = grid(f"{label or target} by {by}", 2, 1, 7.5, 4.6, sharex=True, height_ratios=[3, 1])
    top, bottom = places
    positions = np.arange(len(summary))
    errors = np.abs(summary[["low", "high"]].to_numpy().T - summary["mean"].to_numpy())
    top.bar(positions, summary["mean"], color=BLUE, width=0.75)
    top.errorbar(positions, summary["mean"], yerr=errors, fmt="none", ecolor=INK, elinewidth=1.2, capsize=2)
    overall = float(table[target].astype("float64").mean())
    top.axhline(
        overall, color=ORANGE, linewidth=1.4, linestyle="--", label=f"all rows: {_value(overall, share)}"
    )
    top.legend(loc="upper left", fontsize=9)
    top.margins(y=0.22)
    top.set_ylim(bottom=min(0, float(summary["low"].min())))
    bottom.bar(positions, summary["rows"], color="#B8C1CA", width=0.75)
    bottom.set_ylabel("rows")
    names = [short(level, 14) for level in summary.index]
    bottom.set_xticks(
        positions,
        names,
        rotation=45 if max(map(len, names)) > 4 else 0,
        ha="right" if max(map(len, names)) > 4 else "center",
    )
    if share:
        top.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    for place in places:
        only_grid(place, "y")
    return figure


def _means(table: pd.DataFrame, by: str, target: str, most: int, bins: int) -> tuple[pd.DataFrame, bool]:
    """Return mean, interval and rows for each level, and whether the target is a share."""
    known = table[[by, target]].dropna(subset=[target]) if by != target else table[[by]].dropna()
    values = known[target].astype("float64")
    share = bool(values.isin([0.0, 1.0]).all())
    groups = known[by]
    ordered = pd.api.types.is_numeric_dtype(groups)
    if ordered and groups.nunique() > most:
        cuts = pd.qcut(groups, bins, duplicates="drop", precision=3)
        groups = cuts.cat.rename_categories(lambda cut: f"{cut.left:.4g} to {cut.right:.4g}")
    summary = values.groupby(groups, observed=True).agg(mean="mean", rows="size", spread="std")
    if len(summary) > most:
        summary = summary.nlargest(most, "rows")
    if not ordered:
        summary = summary.sort_values("mean", ascending=False, kind="stable")
    low, high = _bounds(summary, share)
    return summary.assign(low=low, high=high), share


def _bounds(summary: pd.DataFrame, share: bool) -> tuple[Any, Any]:
    """Return the 95 % interval of each mean."""
    rows = summary["rows"].to_numpy("float64")
    if share:
        return measures.interval(summary["mean"].to_numpy(), rows)
    half = measures.Z * summary["spread"].fillna(0).to_numpy() / np.sqrt(rows)
    return summary["mean"] - half, summary["mean"] + half


def _value(value: float, share: bool) -> str:
    """Return a mean as a reader expects it."""
    return f"{value:.1%}" if share else f"{value:.4g}"


@styled
def target_over_time(
    table: pd.DataFrame, time: str, target: str, *, label: str | None = None, frequency: str = "W"
) -> Figure:
    """Draw the mean of `target` in each week (or pandas `frequency`), its 95 % interval, and the rows."""
    known = table[[time, target]].dropna().astype({target: "float64"})
    share = bool(known[target].isin([0.0, 1.0]).all())
    periods = known.groupby(known[time].dt.to_period(frequency).dt.start_time)[target]
    summary = periods.agg(mean="mean", rows="size", spread="std")
    low, high = _bounds(summary, share)
    figure, (top, bottom) = grid(
        f"{label or target} over time", 2, 1, 7.5, 4.2, sharex=True, height_ratios=[3, 1]
    )
    top.fill_between(summary.index, np.asarray(low), np.asarray(high), color=BLUE, alpha=0.18, linewidth=0)
    top.plot(summary.index, summary["mean"], color=BLUE)
    overall = float(known[target].mean())
    top.axhline(
        overall, color=ORANGE, linewidth=1.4, linestyle="--", label=f"all rows: {_value(overall, share)}"
    )
    top.legend(loc="upper left", fontsize=9)
    if share:
        top.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    bottom.fill_between(summary.index, 0, summary["rows"], color="#B8C1CA", step="mid", linewidth=0)
    bottom.set_ylabel("rows")
    bottom.set_ylim(bottom=0)
    return figure


@styled
def target_heatmap(
    table: pd.DataFrame, rows: str, columns: str, target: str, *, label: str | None = None, least: int = 20
) -> Figure:
    """Draw the mean of `target` for each pair of levels that at least `least` rows have."""
    known = table[[rows, columns, target]].dropna().astype({target: "float64"})
    share = bool(known[target].isin([0.0, 1.0]).all())
    groups = known.groupby([rows, columns], observed=True)[target]
    means = groups.mean().where(groups.size() >= least).unstack()
    figure, axes = canvas(f"{label or target} by {rows} and {columns}", height=1.4 + 0.3 * len(means))
    image = axes.imshow(means.to_numpy("float64"), aspect="auto", cmap=SEQUENTIAL)
    axes.set_xticks(range(means.shape[1]), [short(name, 8) for name in means.columns])
    axes.set_yticks(range(len(means)), [short(name) for name in means.index])
    axes.set_xlabel(columns)
    axes.set_ylabel(rows)
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    figure.colorbar(
        image, ax=axes, format=PercentFormatter(1, decimals=0) if share else None
    ).outline.set_visible(False)
    return figure
