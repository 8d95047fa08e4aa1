"""Plots of a table, before any model."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from plotting.style import (
    BLUE,
    DIVERGING,
    FAINT,
    MUTED,
    canvas,
    empty,
    grid,
    heatmap,
    named_bars,
    only_grid,
    ranking,
    short,
    styled,
)


@styled
def missing_values(table: pd.DataFrame, most: int = 25) -> Figure:
    """Plot the share of missing values of each column that has some, largest first, at most `most`."""
    shares = table.isna().mean()
    shares = shares[shares > 0].sort_values(ascending=False, kind="stable")
    title = f"Missing values in {len(shares)} of {table.shape[1]} columns"
    shares = shares.head(most)
    figure, axes, bars = ranking(title, shares.index, shares)
    axes.bar_label(
        bars, labels=[f"{share:.1%}" for share in shares[::-1]], padding=4, color=MUTED, fontsize=9
    )
    axes.set_xlim(0, min(1.12, 1.2 * float(shares.max()) if len(shares) else 1))
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=None))
    return figure


@styled
def distributions(table: pd.DataFrame, columns: Sequence[str], bins: int = 40) -> Figure:
    """Plot the distribution of each of `columns`: histograms, or the commonest categories."""
    if not len(columns):
        return empty("Distribution of the columns", "no column of numbers")
    across = min(3, len(columns))
    down = -(-len(columns) // across)
    figure, axes = grid("Distribution of the columns", down, across, 3.6 * across, 0.6 + 2.2 * down)
    for name, panel in zip(columns, axes, strict=False):
        _distribution(table[name], panel, bins)
        panel.set_title(short(name, 36))
    for panel in axes[len(columns) :]:
        panel.set_visible(False)
    return figure


def _distribution(column: pd.Series, axes: Axes, bins: int) -> None:
    """Plot one column into `axes`."""
    known, is_time = column.dropna(), pd.api.types.is_datetime64_any_dtype(column)
    if is_time or (pd.api.types.is_numeric_dtype(column) and _has_bins(known, bins)):
        axes.hist(known, bins=bins, color=BLUE)
        only_grid(axes, "y")
        axes.tick_params(axis="x", labelrotation=30 if is_time else 0)
        return
    counts = known.astype(str).value_counts().sort_index()
    counts = counts.sort_values(ascending=False, kind="stable").head(8)
    named_bars(axes, [short(category) for category in counts.index], counts)


def _has_bins(known: pd.Series, bins: int) -> bool:
    """Tell whether the edges of so many bins differ: those of a few numbers about 2**63 do not."""
    numbers = known.to_numpy("float64")
    return len(numbers) == 0 or bool(np.ptp(numbers) > bins * np.spacing(np.abs(numbers).max()))


@styled
def correlation(table: pd.DataFrame, columns: Sequence[str]) -> Figure:
    """Plot the rank correlation (Spearman, from -1 to 1) of each pair of numeric `columns`."""
    if not len(columns):
        return empty("Rank correlation", "no column of numbers")
    values = table[list(columns)].astype("float64").corr(method="spearman")
    side = 1.8 + 0.34 * len(columns)
    figure, axes = canvas("Rank correlation", width=max(side + 1.2, 4), height=max(side, 3.4))
    image = heatmap(axes, values.to_numpy(), columns, columns, cmap=DIVERGING, vmin=-1, vmax=1)
    figure.colorbar(image, ax=axes, shrink=0.8).outline.set_visible(False)
    return figure


def mutual_information(
    table: pd.DataFrame, columns: Sequence[str], target: str, bins: int = 10, most: int = 250
) -> pd.DataFrame:
    """Return the mutual information of each of `columns` with `target`, largest first.

    Numbers are cut into bins of equal counts; missing values are a category. The bias by the number of cells
    is subtracted (Miller, 1955, "Note on the bias of information estimates").

    Parameters
    ----------
    table : DataFrame
        Rows without a target are ignored.
    columns : sequence of str
        Columns to measure.
    target : str
        Column of the outcome.
    bins : int, default 10
        Number of bins for numbers.
    most : int, default 250
        Categories told apart, the commonest ones.

    Returns
    -------
    DataFrame of shape (columns, 2)
        column; information, in thousandths of a bit, 0 or more.
    """
    known = table[table[target].notna()]
    outcome = _codes(known[target], bins, most)
    information = [_information(_codes(known[name], bins, most), outcome) for name in columns]
    ranked = pd.DataFrame({"column": list(columns), "information": information})
    return ranked.sort_values(["information", "column"], ascending=[False, True], ignore_index=True)


def _codes(column: pd.Series, bins: int, most: int) -> np.ndarray[Any, Any]:
    """Return the code of the bin or category of each value; 0 is missing, rare categories share one."""
    if pd.api.types.is_numeric_dtype(column) and column.nunique() > bins:
        column = pd.qcut(column, bins, duplicates="drop", labels=False)
    codes, categories = pd.factorize(column, sort=True, use_na_sentinel=True)
    if len(categories) > most:
        rank = pd.Series(codes[codes >= 0]).value_counts().rank(ascending=False, method="first")
        codes = np.where(pd.Series(codes).map(rank).fillna(0).to_numpy() > most, len(categories), codes)
    shifted: np.ndarray[Any, Any] = codes + 1
    return shifted


def _information(first: np.ndarray[Any, Any], second: np.ndarray[Any, Any]) -> float:
    """Return the mutual information of two codes, bias subtracted, in thousandths of a bit."""
    from sklearn.metrics import mutual_info_score

    cells = (len(np.unique(first)) - 1) * (len(np.unique(second)) - 1)
    nats = mutual_info_score(first, second) - cells / (2 * len(first))
    return max(1000 * float(nats) / float(np.log(2)), 0.0)


@styled
def information(ranked: pd.DataFrame, target: str, most: int = 20) -> Figure:
    """Plot the columns that `mutual_information` ranked, the first `most`."""
    title = f"What each column alone says about {target}"
    if ranked.empty:
        return empty(title, "no column of numbers or categories")
    ranked = ranked.head(most)
    figure, axes, _ = ranking(title, ranked["column"], ranked["information"])
    axes.set_xlabel("mutual information, thousandths of a bit")
    axes.axvline(0, color=FAINT)
    return figure
