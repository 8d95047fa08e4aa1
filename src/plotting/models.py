"""Pictures of predictions and of what they rest on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from plotting.style import (
    BLUE,
    FAINT,
    GREEN,
    MUTED,
    ORANGE,
    canvas,
    grid,
    note,
    only_grid,
    styled,
)

LOWER_IS_BETTER = ("log_loss", "brier", "rmse", "mae")
Values: TypeAlias = Sequence[float] | pd.Series | np.ndarray[Any, Any]


@styled
def slices(table: pd.DataFrame, column: str, most: int = 25) -> Figure:
    """Draw actual (with 95 % interval) and mean predicted of each level of `column`, from `measures.slices`.

    Where the slices have a roc_auc, it stands beside them with its interval.
    """
    part = table[table["column"] == column].head(most)
    numbers = pd.to_numeric(part["level"], errors="coerce")
    # months and other numbered levels are read in their order, others from the largest down
    part = (part.iloc[np.argsort(numbers)] if numbers.notna().all() else part)[::-1]
    ranked = "roc_auc" in part and part["roc_auc"].notna().any()
    figure, places = grid(
        f"By {column}", 1, 2 if ranked else 1, 7.5, 1.4 + 0.26 * max(len(part), 3), sharey=True
    )
    rows = np.arange(len(part))
    errors = np.abs(part[["low", "high"]].to_numpy("float64").T - part["actual"].to_numpy())
    places[0].errorbar(
        part["actual"],
        rows,
        xerr=np.nan_to_num(errors),
        fmt="o",
        color=BLUE,
        capsize=2,
        elinewidth=1.2,
        label="actual",
    )
    places[0].plot(part["predicted"], rows, "D", color=ORANGE, markersize=5, label="predicted")
    places[0].set_yticks(
        rows, [f"{level} ({count:,})" for level, count in zip(part["level"], part["rows"], strict=True)]
    )
    places[0].set_ylim(-0.6, len(part) - 0.4)
    places[0].legend(fontsize=9)
    places[0].set_xlabel("mean outcome (95 % interval)")
    if ranked:
        spread = np.abs(
            part[["roc_auc_low", "roc_auc_high"]].to_numpy("float64").T - part["roc_auc"].to_numpy()
        )
        places[1].errorbar(
            part["roc_auc"], rows, xerr=np.nan_to_num(spread), fmt="o", color=GREEN, capsize=2, elinewidth=1.2
        )
        places[1].axvline(0.5, color="#B8C1CA", linewidth=1.2, linestyle="--")
        places[1].set_xlabel("ROC AUC (95 % interval)")
    return figure


@styled
def importance(table: pd.DataFrame, most: int = 20) -> Figure:
    """Draw `feature` and `importance` of a table, the largest `most`."""
    part = table.nlargest(most, "importance")[::-1]
    figure, axes = canvas("What the model relies on", height=1.2 + 0.24 * max(len(part), 3))
    axes.barh(part["feature"], part["importance"], color=BLUE, height=0.7)
    axes.set_xlabel("growth of the loss when the column is shuffled")
    axes.axvline(0, color=FAINT)
    only_grid(axes, "x")
    return figure


@styled
def residuals(actual: Values, predicted: Values) -> Figure:
    """Draw actual minus predicted against predicted, and its distribution."""
    expected = np.asarray(predicted, float)
    left_over = np.asarray(actual, float) - expected
    figure, (left, right) = grid("Residuals", 1, 2, 7.5, 3.6, sharey=True, width_ratios=[3, 1])
    left.scatter(expected, left_over, s=14, color=BLUE, alpha=0.5, linewidths=0)
    right.hist(left_over, bins=30, orientation="horizontal", color="#B8C1CA")
    for axes in (left, right):
        axes.axhline(0, color=ORANGE, linewidth=1.4, linestyle="--")
    left.set_xlabel("predicted")
    left.set_ylabel("actual minus predicted")
    right.set_xlabel("rows")
    return figure


@styled
def predicted_against_actual(actual: Values, predicted: Values) -> Figure:
    """Draw predicted against actual numbers."""
    figure, axes = canvas("Predicted and actual", width=5.2, height=4.6)
    happened, expected = np.asarray(actual, float), np.asarray(predicted, float)
    ends = [min(happened.min(), expected.min()), max(happened.max(), expected.max())]
    axes.plot(ends, ends, color=ORANGE, linewidth=1.4, linestyle="--", label="perfect")
    axes.scatter(happened, expected, s=14, color=BLUE, alpha=0.5, linewidths=0)
    axes.set_xlabel("actual")
    axes.set_ylabel("predicted")
    axes.legend(loc="upper left")
    note(axes, f"{len(happened):,} rows")
    return figure


@styled
def model_and_baseline(found: Mapping[str, float]) -> Figure:
    """Draw each metric that has a ``baseline_`` twin beside it."""
    names = [name for name in found if f"baseline_{name}" in found]
    figure, places = grid("Model and baseline", 1, len(names), 1.8 * len(names) + 0.4, 2.9)
    for name, axes in zip(names, places, strict=True):
        bars = axes.bar(
            ["baseline", "model"],
            [found[f"baseline_{name}"], found[name]],
            color=["#B8C1CA", BLUE],
            width=0.7,
        )
        axes.bar_label(bars, fmt="%.3g", padding=2, color=MUTED, fontsize=9)
        axes.set_title(
            f"{name.replace('_', ' ')}\n{'lower' if name in LOWER_IS_BETTER else 'higher'} is better"
        )
        axes.margins(y=0.2)
        axes.set_yticks([])
        axes.grid(visible=False)
        axes.spines["left"].set_visible(False)
    return figure
