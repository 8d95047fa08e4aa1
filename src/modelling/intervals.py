"""Intervals at 95 % of shares and of areas under the ROC curve; formulas, light to import."""

from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[np.float64]]
Z = 1.96


def interval(rate: Array, rows: Array) -> tuple[Array, Array]:
    """Return the 95 % interval of a share `rate` observed in `rows` rows (Wilson, 1927)."""
    middle = (rate + Z**2 / (2 * rows)) / (1 + Z**2 / rows)
    half = Z / (1 + Z**2 / rows) * np.sqrt(rate * (1 - rate) / rows + Z**2 / (4 * rows**2))
    # rounding must not put the share outside
    return np.clip(middle - half, 0, rate), np.clip(middle + half, rate, 1)


def auc_interval(auc: float, positives: int, negatives: int) -> tuple[float, float]:
    """Return the 95 % interval of an area under the ROC curve (Hanley and McNeil, 1982)."""
    first, second = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    spread = auc * (1 - auc) + (positives - 1) * (first - auc**2) + (negatives - 1) * (second - auc**2)
    half = Z * float(np.sqrt(max(spread, 0) / (positives * negatives)))
    return max(auc - half, 0.0), min(auc + half, 1.0)
