"""Plots of predictions and of what they depend on."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from plotting.style import (
    BLUE,
    FAINT,
    GREEN,
    GREY,
    MUTED,
    ORANGE,
    Values,
    canvas,
    grid,
    note,
    ranking,
    short,
    styled,
)

LOWER_IS_BETTER = ("log_loss", "brier", "rmse", "mae")


@styled
def slices(table: pd.DataFrame, column: str, most: int = 25) -> Figure:
    """Plot mean label (with 95 % interval) and mean prediction of each category of `column`.

    `table` comes from `metrics.slices`. Where it has a roc_auc, a second panel shows it with its interval.
    """
    part = table[table["column"] == column].head(most)
    numbers = pd.to_numeric(part["category"], errors="coerce")
    # months and other numeric categories are read in their order, others from the largest down
    part = (part.iloc[np.argsort(numbers)] if numbers.notna().all() else part)[::-1]
    has_auc = "roc_auc" in part and part["roc_auc"].notna().any()
    height = 1.4 + 0.26 * max(len(part), 3)
    figure, panels = grid(f"By {column}", 1, 2 if has_auc else 1, 7.5, height, sharey=True)
    rows, left = np.arange(len(part)), panels[0]
    # of three or more classes, the share of right predictions: here, and in all rows
    is_accuracy = not {"rmse", "log_loss"} & {*part}
    names = ("this slice", "all rows") if is_accuracy else ("actual", "predicted")
    _intervals(left, part, "actual", ("low", "high"), color=BLUE, label=names[0])
    left.plot(part["predicted"], rows, "D", color=ORANGE, markersize=5, label=names[1])
    counts = zip(part["category"], part["rows"], strict=True)
    left.set_yticks(rows, [f"{short(category, 30)} ({count:,})" for category, count in counts])
    measure = "predicted right" if is_accuracy else "mean label"
    left.set(ylim=(-0.6, len(part) - 0.4), xlabel=f"{measure} (95 % interval)")
    left.legend(fontsize=9)
    if has_auc:
        _intervals(panels[1], part, "roc_auc", ("roc_auc_low", "roc_auc_high"), color=GREEN)
        panels[1].axvline(0.5, color=GREY, linewidth=1.2, linestyle="--")
        panels[1].set_xlabel("ROC AUC (95 % interval)")
    return figure


def _intervals(axes: Axes, part: pd.DataFrame, name: str, ends: tuple[str, str], **style: Any) -> None:
    """Plot a point and its interval for each row."""
    errors = np.abs(part[list(ends)].to_numpy("float64").T - part[name].to_numpy())
    widths, rows = np.nan_to_num(errors), np.arange(len(part))
    axes.errorbar(part[name], rows, xerr=widths, fmt="o", capsize=2, elinewidth=1.2, **style)


@styled
def importance(table: pd.DataFrame, most: int = 20) -> Figure:
    """Plot `feature` and `importance` of a table, the largest `most`."""
    part = table.nlargest(most, "importance")
    figure, axes, _ = ranking("What the model relies on", part["feature"], part["importance"])
    axes.set_xlabel("increase of the loss when the column is shuffled")
    axes.axvline(0, color=FAINT)
    return figure


@styled
def residuals(actual: Values, predicted: Values) -> Figure:
    """Plot actual minus predicted numbers against predicted ones, and their distribution."""
    expected = np.asarray(predicted, float)
    errors = np.asarray(actual, float) - expected
    figure, (left, right) = grid("Residuals", 1, 2, 7.5, 3.6, sharey=True, width_ratios=[3, 1])
    left.scatter(expected, errors, s=14, color=BLUE, alpha=0.5, linewidths=0)
    right.hist(errors, bins=30, orientation="horizontal", color=GREY)
    for axes in (left, right):
        axes.axhline(0, color=ORANGE, linewidth=1.4, linestyle="--")
    left.set(xlabel="predicted", ylabel="actual minus predicted")
    right.set_xlabel("rows")
    return figure


@styled
def predicted_against_actual(actual: Values, predicted: Values) -> Figure:
    """Plot predicted against actual numbers."""
    figure, axes = canvas("Predicted and actual", width=5.2, height=4.6)
    labels, expected = np.asarray(actual, float), np.asarray(predicted, float)
    ends = [min(labels.min(), expected.min()), max(labels.max(), expected.max())]
    axes.plot(ends, ends, color=ORANGE, linewidth=1.4, linestyle="--", label="perfect")
    axes.scatter(labels, expected, s=14, color=BLUE, alpha=0.5, linewidths=0)
    axes.set(xlabel="actual", ylabel="predicted")
    axes.legend(loc="upper left")
    note(axes, f"{len(labels):,} rows")
    return figure


@styled
def model_and_baseline(metrics: Mapping[str, float]) -> Figure:
    """Plot each metric beside its ``baseline_`` twin."""
    names = [name for name in metrics if f"baseline_{name}" in metrics]
    figure, panels = grid("Model and baseline", 1, len(names), 1.8 * len(names) + 0.4, 2.9)
    for name, axes in zip(names, panels, strict=True):
        heights = [metrics[f"baseline_{name}"], metrics[name]]
        bars = axes.bar(["baseline", "model"], heights, color=[GREY, BLUE], width=0.7)
        axes.bar_label(bars, fmt="%.3g", padding=2, color=MUTED, fontsize=9)
        better = "lower" if name in LOWER_IS_BETTER else "higher"
        axes.set_title(f"{name.replace('_', ' ')}\n{better} is better")
        axes.margins(y=0.2)
        axes.set_yticks([])
        axes.grid(visible=False)
        axes.spines["left"].set_visible(False)
    return figure
