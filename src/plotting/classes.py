"""Pictures of predicted probabilities and of how good they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from sklearn import metrics

from modelling.metrics import interval
from plotting.style import (
    BLUE,
    INK,
    MUTED,
    ORANGE,
    SEQUENTIAL,
    canvas,
    grid,
    only_grid,
    styled,
)

Values: TypeAlias = Sequence[float] | pd.Series | np.ndarray[Any, Any]


@styled
def roc(actual: Values, probability: Values, baseline: Values | None = None) -> Figure:
    """Draw the ROC curve of 0/1 `actual` and the probability of 1, with that of a baseline beside it."""
    figure, axes = canvas("ROC curve", width=5.2, height=4.6)
    axes.plot([0, 1], [0, 1], color="#B8C1CA", linewidth=1.2, linestyle="--", label="chance")
    for name, scores, colour in _models(probability, baseline):
        false, true, _ = metrics.roc_curve(actual, scores)
        axes.plot(
            false, true, color=colour, label=f"{name}: area {metrics.roc_auc_score(actual, scores):.3f}"
        )
    axes.set_xlabel("false positive rate")
    axes.set_ylabel("true positive rate")
    axes.set_aspect("equal")
    axes.legend(loc="lower right")
    return figure


@styled
def precision_recall(actual: Values, probability: Values, baseline: Values | None = None) -> Figure:
    """Draw precision against recall of 0/1 `actual` and the probability of 1, beside a baseline."""
    figure, axes = canvas("Precision and recall", width=5.2, height=4.6)
    prevalence = float(np.mean(actual))
    axes.axhline(
        prevalence, color="#B8C1CA", linewidth=1.2, linestyle="--", label=f"chance: {prevalence:.3f}"
    )
    for name, scores, colour in _models(probability, baseline):
        precision, recall, _ = metrics.precision_recall_curve(actual, scores)
        average = metrics.average_precision_score(actual, scores)
        axes.plot(recall, precision, color=colour, label=f"{name}: average {average:.3f}")
    axes.set_xlabel("recall")
    axes.set_ylabel("precision")
    axes.set_ylim(0, 1.02)
    axes.legend(loc="upper right")
    return figure


def _models(probability: Values, baseline: Values | None) -> list[tuple[str, Values, str]]:
    """Return name, scores and colour of each curve."""
    model = ("model", probability, BLUE)
    return [model] if baseline is None else [("baseline", baseline, ORANGE), model]


@styled
def calibration(actual: Values, probability: Values, bins: int = 10) -> Figure:
    """Draw the share of ones against the mean probability in `bins` of equal counts, with 95 % intervals."""
    table = pd.DataFrame({"actual": np.asarray(actual, float), "probability": np.asarray(probability, float)})
    cuts = pd.qcut(table["probability"], bins, duplicates="drop", labels=False)
    groups = table.groupby(cuts.fillna(0)).agg(
        actual=("actual", "mean"), probability=("probability", "mean"), rows=("actual", "size")
    )
    low, high = interval(groups["actual"].to_numpy(), groups["rows"].to_numpy("float64"))
    figure, (top, bottom) = grid("Calibration", 2, 1, 5.2, 5.4, sharex=True, height_ratios=[4, 1])
    limit = min(1.0, 1.1 * max(float(high.max()), float(groups["probability"].max())))
    top.plot([0, limit], [0, limit], color="#B8C1CA", linewidth=1.2, linestyle="--", label="perfect")
    errors = [groups["actual"] - low, high - groups["actual"]]
    top.errorbar(
        groups["probability"],
        groups["actual"],
        yerr=np.abs(errors),
        color=BLUE,
        marker="o",
        capsize=2,
        elinewidth=1.2,
        label="model",
    )
    top.set_ylabel("share that came true")
    top.legend(loc="upper left")
    bottom.hist(table["probability"], bins=40, range=(0, limit), color="#B8C1CA")
    bottom.set_xlabel("predicted probability")
    bottom.set_ylabel("rows")
    return figure


@styled
def confusion(
    actual: Values, predicted: Values, classes: Sequence[str], *, cut: float | None = None
) -> Figure:
    """Draw how many rows of each class are predicted as which; both hold positions in `classes`.

    `cut` is the probability from which on the positive class of two was predicted, for the title.
    """
    counts = metrics.confusion_matrix(
        np.asarray(actual, int), np.asarray(predicted, int), labels=range(len(classes))
    )
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    side = 2.4 + 0.8 * len(classes)
    figure, axes = canvas(
        "Confusion" if cut is None else f"Confusion, cut at {cut:.3g}", width=side + 1, height=side
    )
    axes.imshow(shares, cmap=SEQUENTIAL, vmin=0, vmax=1)
    for row, column in np.ndindex(*counts.shape):
        colour = "white" if shares[row, column] > 0.5 else INK
        text = f"{counts[row, column]:,}\n{shares[row, column]:.0%}"
        axes.text(column, row, text, ha="center", va="center", color=colour)
    axes.set_xticks(range(len(classes)), classes)
    axes.set_yticks(range(len(classes)), classes)
    axes.set_xlabel("predicted")
    axes.set_ylabel("actual")
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    return figure


@styled
def score_distribution(actual: Values, probability: Values, classes: Sequence[str]) -> Figure:
    """Draw how the probability of the positive class is distributed in each of the two `classes`."""
    figure, axes = canvas("Predicted probability by actual class", height=3.4)
    happened, scores = np.asarray(actual, int), np.asarray(probability, float)
    edges = np.linspace(0, max(float(scores.max()), 0.01), 51).tolist()
    for code, colour in [(0, BLUE), (1, ORANGE)]:
        part = scores[happened == code]
        axes.hist(
            part,
            bins=edges,
            density=True,
            color=colour,
            alpha=0.55,
            label=f"{classes[code]} ({len(part):,} rows)",
        )
    axes.set_xlabel(f"predicted probability of {classes[1]}")
    axes.set_ylabel("density")
    axes.legend()
    return figure


@styled
def share_by_decile(actual: Values, probability: Values) -> Figure:
    """Draw the share of ones in each tenth of the rows, from the least to the most likely."""
    order = np.argsort(np.asarray(probability, float), kind="stable")
    parts = np.array_split(np.asarray(actual, float)[order], 10)
    figure, axes = canvas("Share that came true, by tenth of the predictions", height=3.4)
    bars = axes.bar(np.arange(1, 11), [part.mean() for part in parts], color=BLUE, width=0.75)
    axes.bar_label(bars, labels=[f"{part.mean():.0%}" for part in parts], padding=3, color=MUTED, fontsize=9)
    axes.axhline(float(np.mean(actual)), color=ORANGE, linewidth=1.4, linestyle="--", label="all rows")
    axes.set_xticks(np.arange(1, 11))
    axes.set_xlabel("tenth of the rows, least likely first")
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.legend(loc="upper left")
    only_grid(axes, "y")
    return figure
