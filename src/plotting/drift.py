"""Plots of drift: what differs from the reference, how it looked before, and since when."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import TwoSlopeNorm
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import PercentFormatter

from plotting.style import (
    BLUE,
    DIVERGING,
    FAINT,
    GREEN,
    GREY,
    INK,
    MUTED,
    ORANGE,
    grid,
    heatmap,
    only_grid,
    ranking,
    short,
    styled,
)

COLOURS = {"drift": ORANGE, "undecided": GREY, "no drift": BLUE}
UNITS = {"number": "standard deviations of the reference", "category": "share of rows"}
FIRST = ("output", "label", "together")  # shown whatever their effect


@styled
def drift_effects(table: pd.DataFrame, most: int = 12) -> Figure:
    """Plot each effect with its interval beside the threshold, and what changed.

    Parameters
    ----------
    table : DataFrame
        Comparisons, in their order: part, name, slice, measure, kind, effect, low, high, threshold, verdict,
        statistic, before, after. At least one has an effect.
    most : int, default 12
        Features shown of each unit, and slices; outputs and labels always are.
    """
    known = table[table["effect"].notna()]
    in_slice, is_number = known["slice"].ne(""), known["kind"].eq("number")
    parts = {"Numbers": known[~in_slice & is_number], "Outputs in slices": known[in_slice]}
    parts["Categories and missing values"] = known[~in_slice & ~is_number]
    shown = {title: _first(part, most) for title, part in parts.items() if len(part)}
    counts = [len(part) + 1.5 for part in shown.values()]
    title = f"Drift in {known['verdict'].eq('drift').sum()} of {len(known)} comparisons"
    height = 0.7 + 0.25 * sum(counts) + 0.45 * len(shown)
    figure, panels = grid(title, len(shown), 1, 8.4, height, height_ratios=counts)
    for (subtitle, part), axes in zip(shown.items(), panels, strict=True):
        _effects(axes, part[::-1])
        axes.set_title(subtitle)
    handles = [panels[0].plot([], [], "o", color=colour, label=name)[0] for name, colour in COLOURS.items()]
    figure.legend(handles=handles, fontsize=9, loc="upper right", ncols=3)
    return figure


def _first(part: pd.DataFrame, most: int) -> pd.DataFrame:
    """Return outputs and labels of whole batches, and the first `most` of the others."""
    always = part["part"].isin(FIRST) & part["slice"].eq("")
    return part[always | (~always).cumsum().le(most)]


def _effects(axes: Axes, part: pd.DataFrame) -> None:
    rows, threshold = np.arange(len(part)), float(part["threshold"].iloc[0])
    axes.axvspan(0, threshold, color=FAINT, linewidth=0)
    axes.axvline(threshold, color=INK, linewidth=1.2, linestyle="--")
    colours = [COLOURS[verdict] for verdict in part["verdict"]]
    axes.hlines(rows, part["low"], part["high"], color=colours, linewidth=2)
    axes.scatter(part["effect"], rows, color=colours, s=30, zorder=3)
    for position, row in zip(rows, part.itertuples(), strict=True):
        place = axes.get_yaxis_transform()
        axes.text(1.02, float(position), _change(row), transform=place, va="center", color=MUTED, fontsize=9)
    axes.set_yticks(rows, [_label(row) for row in part.itertuples()])
    axes.set_ylim(-0.7, len(part) - 0.3)
    axes.set_xlim(left=0)
    axes.set_xlabel(UNITS[part["kind"].iloc[0]])
    if part["kind"].iloc[0] == "category":
        axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    only_grid(axes, "x")


def _label(row: Any) -> str:
    """Return the name of a comparison."""
    if row.slice:
        return short(row.slice.replace("=", ": "), 30)
    name = f"output: {row.name}" if row.part == "output" else row.name
    return short(f"{name}, missing" if row.measure == "missing" else name, 30)


def _change(row: Any) -> str:
    """Return before and after in words."""
    statistic = short(row.statistic.replace("area under the ROC curve", "told apart: area"), 20)
    if row.statistic.startswith("share"):
        return f"{statistic} {row.before:.1%} → {row.after:.1%}"
    return f"{statistic} {row.before + 0.0:.4g} → {row.after + 0.0:.4g}"


@styled
def drift_before_after(table: pd.DataFrame) -> Figure:
    """Plot the distribution in the reference and now, of each column in `table`.

    `table` has title, verdict, category or left and right, before and after.
    """
    parts = [part for _, part in table.groupby("title", sort=False)]
    across = min(3, len(parts))
    down = -(-len(parts) // across)
    figure, panels = grid("Before and after", down, across, 3.4 * across + 0.4, 0.9 + 2.4 * down)
    for part, axes in zip(parts, panels, strict=False):
        draw = _bins if part["category"].isna().all() else _categories
        draw(axes, part, {"drift": ORANGE}.get(part["verdict"].iloc[0], BLUE))
        axes.set_title(short(part["title"].iloc[0], 42))
    for axes in panels[len(parts) :]:
        axes.set_visible(False)
    names = {"reference": GREY, "now, drifted": ORANGE, "now": BLUE}
    handles = [Patch(color=colour, label=name) for name, colour in names.items()]
    figure.legend(handles=handles, loc="upper right", ncols=3, fontsize=9)
    return figure


def _bins(axes: Axes, part: pd.DataFrame, colour: str) -> None:
    edges = np.append(part["left"], part["right"].iloc[-1])
    axes.stairs(part["before"], edges, fill=True, color=GREY)
    axes.stairs(part["after"], edges, fill=True, color=colour, alpha=0.15)
    axes.stairs(part["after"], edges, color=colour, linewidth=1.8)
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    only_grid(axes, "y")


def _categories(axes: Axes, part: pd.DataFrame, colour: str) -> None:
    rows = np.arange(len(part))[::-1]
    axes.barh(rows + 0.2, part["before"], height=0.38, color=GREY)
    axes.barh(rows - 0.2, part["after"], height=0.38, color=colour)
    axes.set_yticks(rows, [short(category, 14) for category in part["category"]])
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    only_grid(axes, "x")


@styled
def drift_together(groups: pd.DataFrame, most: int = 10) -> Figure:
    """Plot which groups of related features tell the rows apart: features and drop, the largest `most`."""
    part = groups.nlargest(most, "drop")
    figure, axes, _ = ranking(
        "What changed together", map(_members, part["features"]), part["drop"].clip(lower=0)
    )
    axes.set_xlabel("share of the ROC curve's area lost when shuffled")
    axes.axvline(0, color=FAINT)
    return figure


def _members(features: str) -> str:
    """Return the first names of a group, and how many more there are."""
    names = features.split(" + ")
    more = f" + {len(names) - 2} more" if len(names) > 3 else ""
    return short(" + ".join(names[: 2 if more else 3]) + more, 50)


@styled
def drift_over_time(table: pd.DataFrame, most: int = 16) -> Figure:
    """Plot the effects of each period: outputs and losses as lines, the `most` largest features as a map.

    Parameters
    ----------
    table : DataFrame
        As for `drift_effects`, with a column period.
    """
    periods = sorted(table["period"].unique())
    known = table[table["effect"].notna()].assign(at=lambda part: part["period"].map(periods.index))
    features = known[known["part"] == "feature"]
    lines = known[known["part"].ne("feature") & known["kind"].eq("number")]
    height = min(most, features[["name", "measure"]].drop_duplicates().shape[0])
    ratios = [7, max(height, 3)][0 if len(lines) else 1 : 2 if len(features) else 1]
    figure, panels = grid(
        "Drift over time", len(ratios), 1, 8.4, 1.2 + 0.27 * sum(ratios), height_ratios=ratios, sharex=True
    )
    if len(features):
        _map(figure, panels[-1], features, periods, most)
    if len(lines):
        _lines(panels[0], lines)
        panels[0].tick_params(axis="x", labelbottom=not len(features))
    style: dict[str, Any] = {"rotation": 45, "ha": "right"} if len(periods) > 8 else {}
    panels[-1].set_xticks(range(len(periods)), periods, **style)
    return figure


def _lines(axes: Axes, part: pd.DataFrame) -> None:
    threshold = float(part["threshold"].iloc[0])
    axes.axhspan(0, threshold, color=FAINT, linewidth=0)
    axes.axhline(threshold, color=INK, linewidth=1.2, linestyle="--")
    names = list(dict.fromkeys(part["name"]))
    for number, (name, colour) in enumerate(zip(names, (BLUE, ORANGE, GREEN, INK), strict=False)):
        rows = part[part["name"] == name]
        errors = np.abs(rows[["low", "high"]].to_numpy().T - rows["effect"].to_numpy())
        at = rows["at"] + 0.08 * (number - (len(names) - 1) / 2)
        axes.errorbar(
            at, rows["effect"], yerr=errors, color=colour, marker="o", capsize=2, elinewidth=1.2, label=name
        )
    axes.set_ylim(bottom=0)
    axes.set_ylabel("standard deviations")
    axes.legend(fontsize=9, loc="upper left")
    axes.margins(y=0.25)
    only_grid(axes, "y")


def _map(figure: Figure, axes: Axes, features: pd.DataFrame, periods: Sequence[str], most: int) -> None:
    size = features["effect"] / features["threshold"].clip(lower=1e-9)
    cells = features.assign(label=[_label(row) for row in features.itertuples()], size=size)
    wide = cells.pivot_table(index="label", columns="at", values="size").reindex(columns=range(len(periods)))
    wide = wide.loc[wide.max(axis=1).nlargest(most).index]
    norm = TwoSlopeNorm(vmin=0, vcenter=1, vmax=max(float(np.nanmax(wide.to_numpy())), 2.0))
    colours = {"cmap": DIVERGING.reversed(), "norm": norm, "aspect": "auto"}
    image = heatmap(axes, wide.to_numpy(), [*wide.index], periods, **colours)
    drifted = cells[cells["verdict"].eq("drift") & cells["label"].isin(wide.index)]
    axes.plot(drifted["at"], [wide.index.get_loc(label) for label in drifted["label"]], ".", color=INK)
    axes.set_xlabel("dot: drift; white: too few rows to tell")
    figure.colorbar(image, ax=axes, label="times the threshold").outline.set_visible(False)
