"""Pictures of a table, before any model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import measures
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from plot_style import BLUE, DIVERGING, FAINT, INK, MUTED, ORANGE, SEQUENTIAL, canvas, grid, only_grid, styled
from matplotlib.ticker import PercentFormatter


@styled
def missing_values(table: pd.DataFrame, most: int = 25) -> Figure:
    """Draw the share of missing values of each column that has some, largest first, at most `most`."""
    shares = table.isna().mean()
    shares = shares[shares > 0].sort_values(ascending=False, kind="stable").head(most)[::-1]
    figure, axes = canvas(f"Missing values in {len(shares)} of {table.shape[1]} columns", height=1.2 + 0.24 * max(len(shares), 3))
    bars = axes.barh([str(name) for name in shares.index], shares, color=BLUE, height=0.7)
    axes.bar_label(bars, labels=[f"{share:.1%}" for share in shares], padding=4, color=MUTED, fontsize=9)
    axes.set_xlim(0, min(1.12, 1.2 * float(shares.max()) if len(shares) else 1))
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=None))
    only_grid(axes, "x")
    return figure


@styled
def distributions(table: pd.DataFrame, columns: Sequence[str], bins: int = 40) -> Figure:
    """Draw the distribution of each of `columns`: a histogram of numbers or times, bars of the commonest levels."""
    across = min(3, len(columns))
    down = -(-len(columns) // across)
    figure, axes = grid("Distribution of the columns", down, across, 3.6 * across, 0.6 + 2.2 * down)
    for name, place in zip(columns, axes, strict=False):
        _distribution(table[name], place, bins)
        place.set_title(str(name))
    for place in axes[len(columns) :]:
        place.set_visible(False)
    return figure


def _distribution(column: pd.Series, axes: Axes, bins: int) -> None:
    """Draw one column into `axes`."""
    known = column.dropna()
    if pd.api.types.is_numeric_dtype(column) or pd.api.types.is_datetime64_any_dtype(column):
        axes.hist(known, bins=bins, color=BLUE)
        only_grid(axes, "y")
        axes.tick_params(axis="x", labelrotation=30 if pd.api.types.is_datetime64_any_dtype(column) else 0)
        return
    counts = known.astype(str).value_counts().sort_index().sort_values(ascending=False, kind="stable").head(8)[::-1]
    axes.barh([_short(level) for level in counts.index], counts, color=BLUE, height=0.7)
    only_grid(axes, "x")


def _short(text: object, most: int = 18) -> str:
    """Return `text`, cut to `most` characters."""
    return str(text) if len(str(text)) <= most else str(text)[: most - 1] + "…"


@styled
def target_by(table: pd.DataFrame, by: str, target: str, *, label: str | None = None, most: int = 24, bins: int = 10) -> Figure:
    """Draw the mean of `target` by the levels of `by`, with 95 % intervals and the number of rows.

    Parameters
    ----------
    table : DataFrame
        Rows without a target are left out.
    by : str
        A column of levels, or of numbers, which are cut into `bins` of equal counts if there are more than `most`.
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
    top.axhline(overall, color=ORANGE, linewidth=1.4, linestyle="--", label=f"all rows: {_value(overall, share)}")
    top.legend(loc="upper left", fontsize=9)
    top.margins(y=0.22)
    top.set_ylim(bottom=min(0, float(summary["low"].min())))
    bottom.bar(positions, summary["rows"], color="#B8C1CA", width=0.75)
    bottom.set_ylabel("rows")
    names = [_short(level, 14) for level in summary.index]
    bottom.set_xticks(positions, names, rotation=45 if max(map(len, names)) > 4 else 0, ha="right" if max(map(len, names)) > 4 else "center")
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
        groups = pd.qcut(groups, bins, duplicates="drop", precision=3)
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
def target_over_time(table: pd.DataFrame, time: str, target: str, *, label: str | None = None, frequency: str = "W") -> Figure:
    """Draw the mean of `target` in each week (or other pandas `frequency`) with its 95 % interval, and the rows."""
    known = table[[time, target]].dropna().astype({target: "float64"})
    share = bool(known[target].isin([0.0, 1.0]).all())
    periods = known.groupby(known[time].dt.to_period(frequency).dt.start_time)[target]
    summary = periods.agg(mean="mean", rows="size", spread="std")
    low, high = _bounds(summary, share)
    figure, (top, bottom) = grid(f"{label or target} over time", 2, 1, 7.5, 4.2, sharex=True, height_ratios=[3, 1])
    top.fill_between(summary.index, np.asarray(low), np.asarray(high), color=BLUE, alpha=0.18, linewidth=0)
    top.plot(summary.index, summary["mean"], color=BLUE)
    overall = float(known[target].mean())
    top.axhline(overall, color=ORANGE, linewidth=1.4, linestyle="--", label=f"all rows: {_value(overall, share)}")
    top.legend(loc="upper left", fontsize=9)
    if share:
        top.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    bottom.fill_between(summary.index, 0, summary["rows"], color="#B8C1CA", step="mid", linewidth=0)
    bottom.set_ylabel("rows")
    bottom.set_ylim(bottom=0)
    return figure


@styled
def target_heatmap(table: pd.DataFrame, rows: str, columns: str, target: str, *, label: str | None = None, least: int = 20) -> Figure:
    """Draw the mean of `target` for each pair of levels of `rows` and `columns` that `least` rows or more have."""
    known = table[[rows, columns, target]].dropna().astype({target: "float64"})
    share = bool(known[target].isin([0.0, 1.0]).all())
    groups = known.groupby([rows, columns], observed=True)[target]
    means = groups.mean().where(groups.size() >= least).unstack()
    figure, axes = canvas(f"{label or target} by {rows} and {columns}", height=1.4 + 0.3 * len(means))
    image = axes.imshow(means.to_numpy("float64"), aspect="auto", cmap=SEQUENTIAL)
    axes.set_xticks(range(means.shape[1]), [_short(name, 8) for name in means.columns])
    axes.set_yticks(range(len(means)), [_short(name) for name in means.index])
    axes.set_xlabel(columns)
    axes.set_ylabel(rows)
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    figure.colorbar(image, ax=axes, format=PercentFormatter(1, decimals=0) if share else None).outline.set_visible(False)
    return figure


@styled
def correlation(table: pd.DataFrame, columns: Sequence[str]) -> Figure:
    """Draw the rank correlation (Spearman, -1 to 1) of each pair of number `columns`."""
    values = table[list(columns)].astype("float64").corr(method="spearman")
    side = 1.8 + 0.34 * len(columns)
    figure, axes = canvas("Rank correlation", width=max(side + 1.2, 4), height=max(side, 3.4))
    image = axes.imshow(values.to_numpy(), cmap=DIVERGING, vmin=-1, vmax=1)
    axes.set_xticks(range(len(columns)), [_short(name) for name in columns], rotation=60, ha="right")
    axes.set_yticks(range(len(columns)), [_short(name) for name in columns])
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    figure.colorbar(image, ax=axes, shrink=0.8).outline.set_visible(False)
    return figure


def mutual_information(table: pd.DataFrame, columns: Sequence[str], target: str, bins: int = 10, most: int = 250) -> pd.DataFrame:
    """Return what each of `columns` says about `target`, in thousandths of a bit, largest first.

    Numbers are cut into `bins` of equal counts, levels to the `most` commonest; missing is a level too. The
    count of cells would add to the sum by chance: it is taken off (Miller and Madow's correction).
    """
    known = table[table[target].notna()]
    outcome = _coded(known[target], bins, most)
    shares = [_information(_coded(known[name], bins, most), outcome) for name in columns]
    made = pd.DataFrame({"column": list(columns), "information": shares})
    return made.sort_values(["information", "column"], ascending=[False, True], ignore_index=True)


def _coded(column: pd.Series, bins: int, most: int) -> np.ndarray[Any, Any]:
    """Return a code of the bin or level of each value."""
    if pd.api.types.is_numeric_dtype(column) and column.nunique() > bins:
        column = pd.qcut(column, bins, duplicates="drop", labels=False)
    codes, levels = pd.factorize(column, sort=True, use_na_sentinel=True)
    if len(levels) > most:
        rank = pd.Series(codes[codes >= 0]).value_counts().rank(ascending=False, method="first")
        codes = np.where(pd.Series(codes).map(rank).fillna(0).to_numpy() > most, len(levels), codes)
    return codes + 1


def _information(first: np.ndarray[Any, Any], second: np.ndarray[Any, Any]) -> float:
    """Return the mutual information of two codes, corrected for chance, in thousandths of a bit."""
    counts = np.zeros((first.max() + 1, second.max() + 1))
    np.add.at(counts, (first, second), 1)
    joint = counts / counts.sum()
    expected = joint.sum(axis=1, keepdims=True) * joint.sum(axis=0, keepdims=True)
    seen = joint > 0
    bits = float((joint[seen] * np.log2(joint[seen] / expected[seen])).sum())
    cells = (counts.any(axis=1).sum() - 1) * (counts.any(axis=0).sum() - 1)
    return 1000 * max(bits - float(cells) / (2 * counts.sum() * np.log(2)), 0.0)


@styled
def information(table: pd.DataFrame, columns: Sequence[str], target: str, most: int = 20) -> Figure:
    """Draw the `mutual_information` of each of `columns` with `target`, the largest `most`."""
    made = mutual_information(table, columns, target).head(most)[::-1]
    figure, axes = canvas(f"What a column alone says about {target}", height=1.2 + 0.24 * max(len(made), 3))
    axes.barh(made["column"], made["information"], color=BLUE, height=0.7)
    axes.set_xlabel("mutual information, thousandths of a bit")
    axes.axvline(0, color=FAINT)
    only_grid(axes, "x")
    return figure
