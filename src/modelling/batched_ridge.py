"""Ridge regressions of many groups at once: what `estimators.linear` fits for each, in one batched solution.

Numbers are imputed with the group's median and standardised, missing ones are flagged, categories become one
column each, as SimpleImputer, StandardScaler, OneHotEncoder and Ridge of scikit-learn do. A column that is
zero in a group has a weight of zero there, so that all groups can share one set of columns.
"""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias

import numpy as np

from modelling.estimators import Features

Array: TypeAlias = np.ndarray[Any, Any]
EPSILON = np.finfo("float64").eps
CELLS = 1_000_000  # of a design in memory at once: 8 MB, more do not fit into the caches


class Layout(NamedTuple):
    """Which columns of a group's features are numbers, and which are codes of how many categories."""

    numbers: list[int]
    codes: list[int]
    counts: list[int]

    @classmethod
    def of(cls, features: Features) -> Layout:
        """Return the layout of the features of a group's model."""
        counts = [features.category_counts[features.names[position]] for position in features.codes]
        return cls(features.numbers, features.codes, counts)

    @property
    def width(self) -> int:
        """Numbers that a group's model consists of: see `solve`."""
        return 3 * len(self.numbers) + sum(self.counts) + len(self.counts) + 1


def solve(features: Array, target: Array, layout: Layout, alpha: float) -> Array:
    """Return the ridge regression of each group.

    Parameters
    ----------
    features : ndarray of shape (groups, rows, features)
        NaN where missing.
    target : ndarray of shape (groups, rows)
    layout : Layout
    alpha : float
        Strength of the L2 penalty, above 0.

    Returns
    -------
    ndarray of shape (groups, layout.width)
        The median of each number, the weights of numbers, of flags of missing numbers, and of categories
        (of each feature, the missing one last), and the intercept.
    """
    groups, rows, _ = features.shape
    at_once = max(1, CELLS // (rows * layout.width))
    parts = [
        _solve(features[first : first + at_once], target[first : first + at_once], layout, alpha)
        for first in range(0, groups, at_once)
    ]
    return np.concatenate(parts)


def _solve(features: Array, target: Array, layout: Layout, alpha: float) -> Array:
    numbers = features[:, :, layout.numbers]
    medians = _medians(numbers)
    missing = np.isnan(numbers)
    filled = np.where(missing, medians[:, None, :], numbers)
    categories = [
        features[:, :, position, None] == np.arange(count)
        for position, count in zip(layout.codes, layout.counts, strict=True)
    ]
    unknown = [np.isnan(features[:, :, position, None]) for position in layout.codes]
    one_hot = [part for pair in zip(categories, unknown, strict=True) for part in pair]
    design = np.concatenate([filled, missing, *one_hot], axis=2, dtype="float64")
    mean, scale = _moments(design, 2 * len(layout.numbers))
    design -= mean[:, None, :]
    design /= scale[:, None, :]
    middle = target.mean(axis=1)
    across = design.transpose(0, 2, 1)
    gram = across @ design
    gram[:, np.arange(gram.shape[1]), np.arange(gram.shape[1])] += alpha
    weights = np.linalg.solve(gram, across @ (target - middle[:, None])[:, :, None])[:, :, 0] / scale
    intercept = middle - (weights * mean).sum(axis=1)
    return np.concatenate([medians, weights, intercept[:, None]], axis=1)


def _medians(numbers: Array) -> Array:
    """Return the median of each number in each group, of those that are there; 0 where none is."""
    ordered = np.sort(numbers, axis=1)  # missing ones last
    count = (~np.isnan(numbers)).sum(axis=1, keepdims=True)
    low = np.take_along_axis(ordered, np.maximum((count - 1) // 2, 0), axis=1)
    high = np.take_along_axis(ordered, np.minimum(count // 2, np.maximum(count - 1, 0)), axis=1)
    return np.where(count == 0, 0.0, (low + high) / 2)[:, 0, :]


def _moments(design: Array, standardised: int) -> tuple[Array, Array]:
    """Return mean and scale of each column; 1 for constant ones and for those that are not standardised."""
    rows = design.shape[1]
    mean, variance = design.mean(axis=1), design.var(axis=1)
    # as scikit-learn tells a constant column, whose variance is rounding alone
    constant = variance <= rows * EPSILON * variance + (rows * mean * EPSILON) ** 2
    scale = np.where(constant, 1.0, np.sqrt(variance))
    scale[:, standardised:] = 1.0
    return mean, scale


def predict(models: Array, features: Array, layout: Layout) -> Array:
    """Return the prediction of each row by the model beside it, adding from left to right.

    Parameters
    ----------
    models : ndarray of shape (rows, layout.width)
        For each row, what `solve` returned of its group.
    features : ndarray of shape (rows, features)

    Returns
    -------
    ndarray of shape (rows,)
        The same bits for a row alone and among others.
    """
    count = len(layout.numbers)
    medians, weights, flags = (models[:, part * count : (part + 1) * count] for part in range(3))
    numbers = features[:, layout.numbers]
    missing = np.isnan(numbers)
    terms = np.where(missing, medians, numbers) * weights + np.where(missing, flags, 0.0)
    sums = np.add.accumulate(terms, axis=1)[:, -1] if count else np.zeros(len(features))
    first, rows = 3 * count, np.arange(len(features))
    for position, categories in zip(layout.codes, layout.counts, strict=True):
        codes = np.where(np.isnan(features[:, position]), categories, features[:, position]).astype("int64")
        sums = sums + models[rows, first + codes]
        first += categories + 1
    return sums + models[:, -1]
