"""Plots of predicted probabilities and of how good they are."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from modelling.intervals import interval
from plotting.style import BLUE, GREY, INK, ORANGE, SEQUENTIAL, Values, canvas, grid, heatmap, short, styled


@styled
def roc(actual: Values, probability: Values, baseline: Values | None = None) -> Figure:
    """Plot the ROC curve of a model, beside that of a baseline.

    Parameters
    ----------
    actual : array of shape (rows,)
        0 or 1, both of them present.
    probability, baseline : array of shape (rows,)
        Probability of 1, from 0 to 1.
    """
    from sklearn import metrics

    figure, axes = canvas("ROC curve", width=5.2, height=4.6)
    axes.plot([0, 1], [0, 1], color=GREY, linewidth=1.2, linestyle="--", label="chance")
    for name, scores, colour in _models(probability, baseline):
        false, true, _ = metrics.roc_curve(actual, scores)
        area = metrics.roc_auc_score(actual, scores)
        axes.plot(false, true, color=colour, label=f"{name}: area {area:.3f}")
    axes.set(xlabel="false positive rate", ylabel="true positive rate", aspect="equal")
    axes.legend(loc="lower right")
    return figure


@styled
def precision_recall(actual: Values, probability: Values, baseline: Values | None = None) -> Figure:
    """Plot precision against recall of a model, beside a baseline; parameters as for `roc`."""
    from sklearn import metrics

    figure, axes = canvas("Precision and recall", width=5.2, height=4.6)
    prevalence = float(np.mean(actual))
    axes.axhline(prevalence, color=GREY, linewidth=1.2, linestyle="--", label=f"chance: {prevalence:.3f}")
    for name, scores, colour in _models(probability, baseline):
        precision, recall, _ = metrics.precision_recall_curve(actual, scores)
        average = metrics.average_precision_score(actual, scores)
        axes.plot(recall, precision, color=colour, label=f"{name}: average {average:.3f}")
    axes.set(xlabel="recall", ylabel="precision", ylim=(0, 1.02))
    axes.legend(loc="upper right")
    return figure


def _models(probability: Values, baseline: Values | None) -> list[tuple[str, Values, str]]:
    """Return name, scores and colour of each curve."""
    model = ("model", probability, BLUE)
    return [model] if baseline is None else [("baseline", baseline, ORANGE), model]


@styled
def calibration(actual: Values, probability: Values, bins: int = 10) -> Figure:
    """Plot the share of positives against the mean predicted probability, with 95 % Wilson intervals.

    Parameters
    ----------
    actual : array of shape (rows,)
        0 or 1.
    probability : array of shape (rows,)
        Probability of 1, from 0 to 1.
    bins : int, default 10
        Number of bins of equal counts.
    """
    table = pd.DataFrame({"actual": np.asarray(actual, float), "probability": np.asarray(probability, float)})
    cuts = pd.qcut(table["probability"], bins, duplicates="drop", labels=False)
    groups = table.groupby(cuts.fillna(0)).agg(["mean", "size"])
    share, mean = groups["actual", "mean"], groups["probability", "mean"]
    low, high = interval(share.to_numpy(), groups["actual", "size"].to_numpy("float64"))
    figure, (top, bottom) = grid("Calibration", 2, 1, 5.2, 5.4, sharex=True, height_ratios=[4, 1])
    limit = min(1.0, 1.1 * max(float(high.max()), float(mean.max())))
    top.plot([0, limit], [0, limit], color=GREY, linewidth=1.2, linestyle="--", label="perfect")
    errors = np.abs([share - low, high - share])
    top.errorbar(mean, share, yerr=errors, label="model", color=BLUE, marker="o", capsize=2, elinewidth=1.2)
    top.set_ylabel("share of positives")
    top.legend(loc="upper left")
    bottom.hist(table["probability"], bins=40, range=(0, limit), color=GREY)
    bottom.set(xlabel="predicted probability", ylabel="rows")
    return figure


@styled
def confusion(
    actual: Values, predicted: Values, classes: Sequence[str], *, cut: float | None = None
) -> Figure:
    """Plot the confusion matrix, with the share of each actual class.

    Parameters
    ----------
    actual, predicted : array of shape (rows,)
        Positions in `classes`.
    classes : sequence of str
        Names of the classes.
    cut : float, optional
        Probability from which on the positive class of two was predicted, for the title.
    """
    from sklearn import metrics

    counts = metrics.confusion_matrix(
        np.asarray(actual, int), np.asarray(predicted, int), labels=range(len(classes))
    )
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    side = 2.4 + 0.8 * len(classes)
    title = "Confusion" if cut is None else f"Confusion, cut at {cut:.3g}"
    figure, axes = canvas(title, width=side + 1, height=side)
    heatmap(axes, shares, classes, classes, cmap=SEQUENTIAL, vmin=0, vmax=1)
    for row, column in np.ndindex(*counts.shape):
        colour = "white" if shares[row, column] > 0.5 else INK
        text = f"{counts[row, column]:,}\n{shares[row, column]:.0%}"
        axes.text(column, row, text, ha="center", va="center", color=colour)
    axes.set(xlabel="predicted", ylabel="actual")
    return figure


@styled
def score_distribution(actual: Values, probability: Values, classes: Sequence[str]) -> Figure:
    """Plot the distribution of the probability of the positive class in each of the two `classes`."""
    figure, axes = canvas("Predicted probability by actual class", height=3.4)
    labels, scores = np.asarray(actual, int), np.asarray(probability, float)
    edges = np.linspace(0, max(float(scores.max()), 0.01), 51).tolist()
    for code, colour in [(0, BLUE), (1, ORANGE)]:
        part = scores[labels == code]
        name = f"{short(classes[code], 30)} ({len(part):,} rows)"
        axes.hist(part, bins=edges, density=True, color=colour, alpha=0.55, label=name)
    axes.set(xlabel=f"predicted probability of {short(classes[1], 40)}", ylabel="density")
    axes.legend()
    return figure
