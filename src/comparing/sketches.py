"""Sketches: the distribution of one column in a few numbers, and how far other values are from it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from statistics import NormalDist
from typing import Any, Literal, NamedTuple

import numpy as np

Array = np.ndarray[Any, Any]
Kind = Literal["number", "category"]
QUANTILES = 100
MAX_CATEGORIES = 30  # the others count as one
FULL_SPREAD = float(np.sqrt(12))  # ranks from 0 to 1 have a standard deviation of 1 / this
BRIDGE = 1.15  # the tail of the area under a Brownian bridge is at most so many times that of a normal


class Effect(NamedTuple):
    """How far apart two distributions are, and how far that may be chance."""

    size: float
    margin: float

    @property
    def low(self) -> float:
        """Lower bound, 0 or more."""
        return max(self.size - self.margin, 0.0)

    @property
    def high(self) -> float:
        """Upper bound."""
        return self.size + self.margin


@dataclass(frozen=True)
class Sketch:
    """The distribution of a column."""

    kind: Kind  # categories are codes
    rows: int
    missing: int  # rows without a value (NaN)
    # of shape (values,), ascending: quantiles, the extremes among them, or the commonest categories
    values: Array
    between: Array  # rows between the previous value and this one; 0 for categories
    at: Array  # rows with this value

    @classmethod
    def of(cls, values: Array, kind: Kind) -> Sketch:
        """Return the sketch of `values` of shape (rows,), in single precision: machines differ in bits."""
        known = _known(values)
        if kind == "category":
            codes, counts = np.unique(known, return_counts=True)
            common = np.sort(np.argsort(-counts, kind="stable")[:MAX_CATEGORIES])
            points, at = codes[common], counts[common]
            between = np.zeros_like(at)
        else:
            shares = np.linspace(0, 1, QUANTILES + 1)
            points = np.unique(np.quantile(known, shares, method="inverted_cdf")) if len(known) else known
            below, upto = _ranks(known, points)
            at, between = upto - below, below - np.append(0, upto)[:-1]
        return cls(kind, len(values), len(values) - len(known), points.astype("float64"), between, at)

    @property
    def known(self) -> int:
        """Rows with a value."""
        return self.rows - self.missing

    @cached_property
    def shares(self) -> Array:
        """Share of the known rows in each cell; see `count`."""
        if self.kind == "category":
            cells = np.append(self.at, self.known - self.at.sum())
        else:
            cells = np.append(np.stack([self.between, self.at], axis=1).ravel(), 0)
        return cells / max(self.known, 1)

    def count(self, values: Array) -> Array:
        """Return the number of known `values` in each cell.

        Returns
        -------
        ndarray of shape (values + 1,) or (2 * values + 1,)
            Categories: rows of each, and of all others. Numbers: rows below the first value, at it, between
            it and the second, and so on, and above the last.
        """
        known, points = _known(values), self.values.astype("float32")
        below, upto = _ranks(known, points)
        if self.kind == "category":
            return np.append(upto - below, len(known) - (upto - below).sum())
        return np.diff(np.concatenate([[0], np.stack([below, upto], axis=1).ravel(), [len(known)]]))

    def shares_of(self, values: Array) -> Array:
        """Return the share of the known `values` in each cell."""
        counts = self.count(values)
        shares: Array = counts / max(counts.sum(), 1)
        return shares

    def effect(self, values: Array, error_rate: float) -> Effect:
        """Return how far the known `values` are from this distribution.

        Numbers: the Wasserstein distance of their ranks in the reference, in standard deviations of a rank: a
        shift of a normal distribution by a small part of its standard deviation has about that size, and no
        outlier or unit changes it. Categories: total variation, the share of rows in another category.

        Parameters
        ----------
        values : ndarray of shape (rows,)
            One known value or more; NaN is missing.
        error_rate : float
            Probability, above 0, that the effect is outside its interval. The noise of the first is the area
            under a Brownian bridge (Johnson and Killeen, 1983), that of the second is at most its mean and
            a normal's quantile (Borell, 1975, for a function of normal variables).
        """
        counts = self.count(values)
        noise = float(np.sqrt(1 / self.known + 1 / counts.sum()))
        difference = counts / counts.sum() - self.shares
        if self.kind == "category":
            pooled = (counts + self.known * self.shares) / (counts.sum() + self.known)
            return Effect(float(np.abs(difference).sum() / 2), noise * _total_variation(pooled, error_rate))
        ranks = np.cumsum(self.shares) - self.shares / 2
        size = FULL_SPREAD * float(np.abs(np.cumsum(difference)[:-1]) @ np.diff(ranks))
        return Effect(size, noise * NormalDist().inv_cdf(1 - error_rate / (2 * BRIDGE)))

    def missing_effect(self, values: Array, error_rate: float) -> Effect:
        """Return by how much the share of missing values differs, as a share of rows."""
        flags = Sketch("category", self.rows, 0, np.array([1.0]), np.array([0]), np.array([self.missing]))
        return flags.effect(np.isnan(values).astype("float64"), error_rate)

    def quantile(self, share: float) -> float:
        """Return the value that `share` of the known rows, from 0 to 1, do not exceed."""
        reached = np.cumsum(self.between + self.at) >= share * self.known
        return float(self.values[np.argmax(reached)]) if len(self.values) else float("nan")

    def below(self, points: Array) -> Array:
        """Return the share of the known rows below each of `points`, interpolated between values."""
        upto = np.cumsum(self.between + self.at)
        corners = np.stack([upto - self.at, upto], axis=1).ravel() / max(self.known, 1)
        # a step at each value: its left corner lies a hair below it
        places = np.stack([np.nextafter(self.values, -np.inf), self.values], axis=1).ravel()
        return np.interp(points, places, corners, left=0.0, right=1.0)


def _known(values: Array) -> Array:
    """Return the values that are not missing, sorted, in single precision."""
    with np.errstate(over="ignore"):
        return np.sort(values[~np.isnan(values)].astype("float32"))


def _ranks(known: Array, points: Array) -> tuple[Array, Array]:
    """Return how many sorted values lie below each point, and up to it."""
    return np.searchsorted(known, points, side="left"), np.searchsorted(known, points, side="right")


def _total_variation(shares: Array, error_rate: float) -> float:
    """Return the noise of the total variation of two samples of these categories, per unit of noise."""
    spreads = np.sqrt(shares * (1 - shares))
    largest = float(shares.max())
    steepest = float(np.sqrt(largest * (1 - largest))) if largest > 0.5 else 0.5
    mean = float(spreads.sum() / np.sqrt(2 * np.pi))
    return mean + steepest * NormalDist().inv_cdf(1 - error_rate)
