"""Paired comparisons: intervals of how two models differ on equal rows, by the bootstrap.

Both models are judged on the same rows, so each row gives one difference, and what is hard for both cancels.
What was drawn independently is resampled: rows, or whole units such as days, whose rows resemble one another.
The interval is that of the studentised bootstrap (Efron and Tibshirani, 1993, chapter 12.5) of a ratio of
sums over units (Cameron, Gelbach and Miller, 2008): unlike percentiles, it holds far out in the tails and for
few units, where decisions that are looked at often are made.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from tabular.columns import as_categories

Array = np.ndarray[Any, Any]
MOST_UNITS = 500  # more are dealt into so many groups: the noise of their spread is 3 %, and is accounted for
TAIL = 10  # resamples beyond a bound, at least
CHUNK = 1_000


class Quantity(NamedTuple):
    """What is averaged: `values` of shape (rows,), over the rows for which `chosen` is True."""

    values: Array
    chosen: Array


class Estimate(NamedTuple):
    """A mean, the ends of its interval, its standard error, the rows and the units that it was taken over."""

    value: float
    low: float
    high: float
    error: float
    rows: int
    units: int


def unit_codes(column: pd.Series | None, rows: int, random_state: int) -> Array:
    """Return the number of each row's unit, from 0 on.

    Parameters
    ----------
    column : Series of shape (rows,), optional
        Rows with the same value are drawn together; of times, those of the same day. None: each row alone.
    rows : int
        Number of rows.
    random_state : int
        Seed by which more than `MOST_UNITS` units are dealt into so many groups.

    Returns
    -------
    ndarray of shape (rows,), int64
    """
    codes = np.arange(rows)
    if column is not None:
        days = column.dt.date if pd.api.types.is_datetime64_any_dtype(column) else column
        codes, _ = pd.factorize(as_categories(days).fillna("missing"))
    units = int(codes.max()) + 1
    if units <= MOST_UNITS:
        return codes
    dealt = np.random.default_rng(random_state).permutation(units) % MOST_UNITS
    return np.asarray(dealt[codes])


def estimates(
    quantities: Sequence[Quantity],
    units: Array,
    error_rates: Sequence[float],
    resamples: int,
    random_state: int,
) -> list[Estimate]:
    """Return the mean of each quantity with its interval, all from the same resamples.

    Parameters
    ----------
    quantities : sequence of Quantity
        Each over one row or more.
    units : ndarray of shape (rows,), int
        From `unit_codes`.
    error_rates : sequence of float
        For each quantity, the probability, between 0 and 0.5, with which its mean lies above the interval,
        and that with which it lies below.
    resamples : int
        Number of resamples, 1 or more; it grows where an error rate is small.
    random_state : int
        Seed.
    """
    number = max(resamples, math.ceil(TAIL / min(error_rates)))
    moments = _moments(quantities, units)
    values, errors = _ratios(moments.sum(axis=1))
    drawn = _studentised(moments, values, number, random_state)
    found = []
    for index, (quantity, rate) in enumerate(zip(quantities, error_rates, strict=True)):
        value, error, known = float(values[index]), float(errors[index]), quantity.values[quantity.chosen]
        several = int(np.count_nonzero(moments[1, :, index]))
        above, below = _reach(drawn[:, index], rate, several) if error else (0.0, 0.0)
        # a resample may hold no row that differs: then nothing is known but the range of the values
        low, high = max(value - above * error, known.min()), min(value + below * error, known.max())
        found.append(Estimate(value, float(low), float(high), error, len(known), several))
    return found


def _reach(drawn: Array, rate: float, units: int) -> tuple[float, float]:
    """Return how many standard errors an interval reaches below and above the mean.

    Of few or uneven units the bootstrap alone errs a little more often than stated: it reaches no less far
    than Student's distribution.
    """
    ordered, tail = np.sort(drawn), int((len(drawn) + 1) * rate)
    student = student_quantile(rate, units)
    return max(float(ordered[-tail]), student), max(-float(ordered[tail - 1]), student)


def student_quantile(rate: float, units: int) -> float:
    """Return the standard errors that a mean of so many units exceeds with probability `rate`.

    Abramowitz and Stegun, 1964, 26.7.5, to the first order.
    """
    normal = NormalDist().inv_cdf(1 - rate)
    return normal + (normal**3 + normal) / (4 * max(units - 1, 1))


def _moments(quantities: Sequence[Quantity], units: Array) -> Array:
    """Return sums, rows, and their squares and product by unit, of shape (5, units, quantities)."""
    number = int(units.max()) + 1

    def by_unit(weights: Array) -> Array:
        return np.bincount(units, weights=weights, minlength=number)

    sums = np.stack([by_unit(np.where(chosen, values, 0.0)) for values, chosen in quantities], axis=1)
    rows = np.stack([by_unit(chosen.astype("float64")) for _, chosen in quantities], axis=1)
    return np.stack([sums, rows, sums**2, sums * rows, rows**2])


def _ratios(totals: Array) -> tuple[Array, Array]:
    """Return means and their standard errors, from the five totals along the first axis."""
    sums, rows, squares, products, row_squares = totals
    with np.errstate(divide="ignore", invalid="ignore"):  # a resample may hold no row of a slice
        means = sums / rows
        deviations = np.maximum(squares - 2 * means * products + means**2 * row_squares, 0)
        return means, np.sqrt(deviations) / rows


def _studentised(moments: Array, values: Array, number: int, random_state: int) -> Array:
    """Return by how many of its own standard errors each resample's mean is off; (resamples, quantities)."""
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    units, random = moments.shape[1], np.random.default_rng(random_state)
    off = np.empty((number, len(values)))
    with threadpool_limits(limits=1, user_api="blas"):  # sums in BLAS depend on the number of threads
        for start in range(0, number, CHUNK):
            size = min(CHUNK, number - start)
            places = random.integers(units, size=(size, units)) + units * np.arange(size)[:, None]
            counts = (
                np.bincount(places.ravel(), minlength=size * units).reshape(size, units).astype("float64")
            )
            means, errors = _ratios(np.stack([counts @ moment for moment in moments]))
            with np.errstate(divide="ignore", invalid="ignore"):
                off[start : start + size] = (means - values) / errors
    return np.where(np.isnan(off), 0.0, off)  # no row at all, or none that differs from the mean
