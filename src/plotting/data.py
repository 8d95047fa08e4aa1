"""Pictures of a table, before any model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from plotting.style import BLUE, DIVERGING, FAINT, MUTED, canvas, grid, only_grid, short, styled


@styled
def missing_values(table: pd.DataFrame, most: int = 25) -> Figure:
    """Draw the share of missing values of each column that has some, largest first, at most `most`."""
    shares = table.isna().mean()
    shares = shares[shares > 0].sort_values(ascending=False, kind="stable")
    title = f"Missing values in {len(shares)} of {table.shape[1]} columns"
    shares = shares.head(most)[::-1]
    figure, axes = canvas(title, height=1.2 + 0.24 * max(len(shares), 3))
    bars = axes.barh([str(name) for name in shares.index], shares, color=BLUE, height=0.7)
    axes.bar_label(bars, labels=[f"{share:.1%}" for share in shares], padding=4, color=MUTED, fontsize=9)
    axes.set_xlim(0, min(1.12, 1.2 * float(shares.max()) if len(shares) else 1))
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=None))
    only_grid(axes, "x")
    return figure


@styled
def distributions(table: pd.DataFrame, columns: Sequence[str], bins: int = 40) -> Figure:
    """Draw the distribution of each of `columns`: histograms, or bars of levels."""
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
    counts = (
        known.astype(str)
        .value_counts()
        .sort_index()
        .sort_values(ascending=False, kind="stable")
        .head(8)[::-1]
    )
    axes.barh([short(level) for level in counts.index], counts, color=BLUE, height=0.7)
    only_grid(axes, "x")


@styled
def correlation(table: pd.DataFrame, columns: Sequence[str]) -> Figure:
    """Draw the rank correlation (Spearman, -1 to 1) of each pair of number `columns`."""
    values = table[list(columns)].astype("float64").corr(method="spearman")
    side = 1.8 + 0.34 * len(columns)
    figure, axes = canvas("Rank correlation", width=max(side + 1.2, 4), height=max(side, 3.4))
    image = axes.imshow(values.to_numpy(), cmap=DIVERGING, vmin=-1, vmax=1)
    axes.set_xticks(range(len(columns)), [short(name) for name in columns], rotation=60, ha="right")
    axes.set_yticks(range(len(columns)), [short(name) for name in columns])
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    figure.colorbar(image, ax=axes, shrink=0.8).outline.set_visible(False)
    return figure


def mutual_information(
    table: pd.DataFrame, columns: Sequence[str], target: str, bins: int = 10, most: int = 250
) -> pd.DataFrame:
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
    shifted: np.ndarray[Any, Any] = codes + 1  # missing, coded -1, is the first level
    return shifted


def _information(first: np.ndarray[Any, Any], second: np.ndarray[Any, Any]) -> float:
    """Return the mutual information of two codes, corrected for chance, in thousandths of a bit."""
    counts = np.zeros((first.max() + 1, second.max() + 1))
    np.add.at(counts, (first, second), 1)
    joint = counts / counts.sum()
    expected = joint.sum(axis=1, keepdims=True) * joint.sum(axis=0, keepdims=True)
    seen = joint > 0
    bits = float((joint[seen] * np.log2(joint[seen] / expected[seen])).sum())
    cells = (counts.any(axis=1).sum() - 1) * (counts.any(axis=0).sum() - 1)
    chance = float(cells) / (2 * float(counts.sum()) * float(np.log(2)))
    return 1000 * max(bits - chance, 0.0)


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
