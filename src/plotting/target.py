"""Plots of how a target depends on other columns."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from modelling.intervals import Z, interval
from plotting.style import BLUE, GREY, INK, ORANGE, SHADES, grid, only_grid, short, styled
from tabular.columns import as_categories

OTHERS = "others"


@styled
def target_by(
    table: pd.DataFrame,
    by: str,
    target: str,
    *,
    label: str | None = None,
    classes: Sequence[str] = (),
    most: int = 24,
    bins: int = 10,
) -> Figure:
    """Plot the mean of `target` by the categories of `by`, with 95 % intervals and the number of rows.

    Of three or more classes, the share of each is plotted.

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
    classes : sequence of str, optional
        Names of the classes whose positions `target` holds.
    most : int, default 24
        Categories shown, the commonest ones.
    bins : int, default 10
        Number of bins for numbers.
    """
    title = f"{short(label or target, 36)} by {short(by, 32)}"
    if len(classes) > 2:
        known = table[table[target].notna()]
        return _shares_by(known[target], _groups(known[by], most, bins), classes, title, most)
    summary, is_share = _means(table, by, target, most, bins)
    figure, (top, bottom) = grid(title, 2, 1, 7.5, 4.6, sharex=True, height_ratios=[3, 1])
    positions = np.arange(len(summary))
    errors = np.abs(summary[["low", "high"]].to_numpy().T - summary["mean"].to_numpy())
    top.bar(positions, summary["mean"], color=BLUE, width=0.75)
    top.errorbar(positions, summary["mean"], yerr=errors, fmt="none", ecolor=INK, elinewidth=1.2, capsize=2)
    _overall(top, float(table[target].astype("float64").mean()), is_share)
    top.margins(y=0.22)
    top.set_ylim(bottom=min(0, float(summary["low"].min())))
    bottom.bar(positions, summary["rows"], color=GREY, width=0.75)
    bottom.set_ylabel("rows")
    _categories(bottom, summary.index)
    for panel in (top, bottom):
        only_grid(panel, "y")
    return figure


def _categories(axes: Axes, categories: pd.Index) -> None:
    """Name the categories below `axes`."""
    names = [short(category) for category in categories]
    is_long = max(map(len, names), default=0) > 4
    rotation, side = (45, "right") if is_long else (0, "center")
    axes.set_xticks(range(len(names)), names, rotation=rotation, ha=side)


def _shares_by(
    target: pd.Series, groups: tuple[pd.Series, bool], classes: Sequence[str], title: str, most: int
) -> Figure:
    """Plot the share of each class in each group, on top of one another, and the rows."""
    values, is_number = groups
    names = named_classes(target, classes)
    counts = pd.crosstab(values, names)
    counts = counts.loc[counts.sum(axis=1).nlargest(most).index]
    counts = counts.sort_index() if is_number else counts
    rows = counts.sum(axis=1)
    figure, (top, bottom) = grid(title, 2, 1, 7.5, 4.8, sharex=True, height_ratios=[3, 1])
    base = np.zeros(len(counts))
    handles = []
    for (_, column), colour in zip(counts.items(), SHADES, strict=False):
        share = column.to_numpy() / rows.to_numpy()
        handles.append(top.bar(range(len(counts)), share, bottom=base, color=colour, width=0.75))
        base = base + share
    top.legend(handles, [short(name) for name in counts.columns], loc="center left", bbox_to_anchor=(1, 0.5))
    top.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    bottom.bar(range(len(counts)), rows, color=GREY, width=0.75)
    bottom.set_ylabel("rows")
    _categories(bottom, counts.index)
    for panel in (top, bottom):
        only_grid(panel, "y")
    return figure


def named_classes(target: pd.Series, classes: Sequence[str]) -> pd.Series:
    """Return the class of each position in `target`; the rarest share one where shades do not suffice."""
    counts = target.value_counts()
    shown = sorted(counts.index[: len(SHADES) - (len(counts) > len(SHADES))])
    names = {code: classes[int(code)] for code in shown}
    categories = [*names.values(), *([OTHERS] if len(counts) > len(shown) else [])]
    return target.map(names).fillna(OTHERS).astype(pd.CategoricalDtype(list(dict.fromkeys(categories))))


def target_summary(sides: dict[str, pd.DataFrame], target: str, classes: Sequence[str]) -> pd.DataFrame:
    """Return rows, and mean and spread of a number or the share of each class, for each of `sides`."""
    if not classes:
        facts = [table[target].agg(rows="size", mean="mean", spread="std") for table in sides.values()]
        return pd.DataFrame(facts, index=list(sides))
    shares = {
        side: [len(table), *((table[target] == code).mean() for code in range(len(classes)))]
        for side, table in sides.items()
    }
    return pd.DataFrame.from_dict(shares, orient="index", columns=["rows", *classes])


def describe_target(values: pd.Series, classes: Sequence[str], most: int = 5) -> str:
    """Return the mean of a target in words, or the shares of its classes, the commonest first."""
    if not classes:
        return f"mean {values.mean():.4g}"
    shares = values.value_counts(normalize=True)
    told = [f"{classes[int(code)]} {share:.1%}" for code, share in shares.head(most).items()]
    return ", ".join([*told, *([f"{len(shares) - most} others"] if len(shares) > most else [])])


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
    groups, is_number = _groups(known[by], most, bins)
    summary, is_share = _summary(known[target].astype("float64"), groups)
    if len(summary) > most:
        summary = summary.nlargest(most, "rows")
    if not is_number:
        summary = summary.sort_values("mean", ascending=False, kind="stable")
    return summary, is_share


def _groups(values: pd.Series, most: int, bins: int) -> tuple[pd.Series, bool]:
    """Return the group of each value, and whether they are in the order of numbers."""
    is_number = pd.api.types.is_numeric_dtype(values) and values.dtype != bool
    if not is_number:
        return as_categories(values), False
    if values.nunique() <= most:
        return values, True
    cuts = pd.qcut(values, bins, duplicates="drop", precision=3)
    # not as category names: two bins that are written alike would be one
    ends = {cut: f"{cut.left:.4g} to {cut.right:.4g}" for cut in cuts.cat.categories}
    named = dict(zip(ends, _distinct(list(ends.values())), strict=True))
    return cuts.cat.rename_categories(named), True


def _distinct(names: list[str]) -> list[str]:
    return [name + "'" * names[:place].count(name) for place, name in enumerate(names)]


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
    table: pd.DataFrame,
    time: str,
    target: str,
    *,
    label: str | None = None,
    classes: Sequence[str] = (),
    frequency: str = "W",
) -> Figure:
    """Plot the mean of `target` in each week (or pandas `frequency`), its 95 % interval, and the rows.

    Of three or more `classes`, the share of the commonest is plotted.
    """
    known = table[[time, target]].dropna().astype({target: "float64"})
    if len(classes) > 2:
        commonest = known[target].mode().iloc[0]
        label = f"share of {classes[int(commonest)]}"
        known[target] = (known[target] == commonest).astype("float64")
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
