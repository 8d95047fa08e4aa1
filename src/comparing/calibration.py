"""Calibration: whether predictions mean what they say, in bins of rows with similar ones."""

from collections.abc import Sequence
from statistics import NormalDist
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
BINS = 10


def predicted_and_actual(classes: Sequence[str], predicted: Array, actual: Array) -> tuple[Array, Array]:
    """Return what a model says of each row, and what came true, both numbers of shape (rows,).

    Two classes: the probability of the positive one, and whether it is that. More: the probability of the
    likeliest class, and whether it is that (Guo et al., 2017). Regression: prediction and label.
    """
    if not classes:
        return predicted, actual
    if len(classes) == 2:
        return predicted[:, 1], actual
    return predicted.max(axis=1), (predicted.argmax(axis=1) == actual).astype("float64")


def calibration(predicted: Array, actual: Array, units: Array, error_rate: float) -> dict[str, Any]:
    """Return how far predictions are from what came true.

    Parameters
    ----------
    predicted, actual : ndarray of shape (rows,)
        From `predicted_and_actual`.
    units : ndarray of shape (rows,), int
        Rows of a unit resemble one another; see `paired.unit_codes`.
    error_rate : float
        Probability, between 0 and 1, that any bin of a calibrated model seems to be off.

    Returns
    -------
    dict
        error: mean over ten bins of equally many rows of the distance between mean prediction and mean
        outcome (expected calibration error; Naeini et al., 2015), which noise alone makes larger than 0;
        certain: the same of the part that is beyond each bin's interval; bins.
    """
    edges = np.quantile(predicted, np.arange(1, BINS) / BINS)
    places = np.searchsorted(np.unique(edges), predicted, side="right")
    quantile = NormalDist().inv_cdf(1 - error_rate / (2 * BINS))
    bins, error, certain = [], 0.0, 0.0
    for place in np.unique(places):
        inside = places == place
        off = actual[inside] - predicted[inside]
        distance = abs(float(off.mean()))
        share = float(inside.mean())
        error += share * distance
        certain += share * max(distance - quantile * _standard_error(off, units[inside]), 0.0)
        means = {"predicted": float(predicted[inside].mean()), "actual": float(actual[inside].mean())}
        bins.append({**means, "rows": int(inside.sum())})
    return {"error": error, "certain": certain, "bins": bins}


def _standard_error(values: Array, units: Array) -> float:
    """Return the standard error of a mean whose rows are drawn by units; infinite for a single unit."""
    _, codes = np.unique(units, return_inverse=True)
    number = int(codes.max()) + 1
    if number < 2:
        return float("inf")
    sums = np.bincount(codes, weights=values - values.mean())
    return float(np.sqrt((sums**2).sum() * number / (number - 1)) / len(values))
