"""Paired intervals: those of textbooks where they are known, and what is drawn together."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import pandas as pd
import pytest

from comparing import paired
from comparing.paired import MOST_UNITS, Array, Estimate, Quantity

STUDENT_39 = 2.0227  # quantile 0.975 of Student's distribution with 39 degrees of freedom


def estimate(values: Array, units: Array, rate: float = 0.025, chosen: Array | None = None) -> Estimate:
    where = np.ones(len(values), dtype=bool) if chosen is None else chosen
    return paired.estimates([Quantity(values, where)], units, [rate], 20_000, 0)[0]


def test_the_interval_of_normal_values_is_that_of_student() -> None:
    values = np.random.default_rng(0).normal(0.3, 1, 40)
    found = estimate(values, np.arange(40))
    half = STUDENT_39 * values.std(ddof=1) / np.sqrt(40)
    assert found.value == pytest.approx(values.mean())
    assert (found.value - found.low, found.high - found.value) == pytest.approx((half, half), abs=0.03)
    assert (found.rows, found.units) == (40, 40)


def test_rows_that_are_drawn_together_count_as_one() -> None:
    values = np.random.default_rng(0).normal(0, 1, 50)
    once, repeated = (
        estimate(values, np.arange(50)),
        estimate(np.repeat(values, 20), np.repeat(np.arange(50), 20)),
    )
    assert (repeated.low, repeated.high) == pytest.approx((once.low, once.high))
    alone = estimate(np.repeat(values, 20), paired.unit_codes(None, 1_000, 0))
    assert (alone.high - alone.low) * 4 < once.high - once.low


def test_a_slice_is_estimated_from_its_rows_alone() -> None:
    random = np.random.default_rng(0)
    chosen = np.arange(1_000) % 4 == 0
    values = np.where(chosen, random.normal(5, 1, 1_000), random.normal(-100, 1, 1_000))
    found = estimate(values, np.arange(1_000) % 100, chosen=chosen)
    assert 4.8 < found.low < found.value < found.high < 5.2
    assert (found.rows, found.units) == (250, 25)


def test_no_difference_has_no_interval() -> None:
    found = estimate(np.zeros(100), np.arange(100))
    assert (found.value, found.low, found.high) == (0.0, 0.0, 0.0)


def test_a_single_row_that_differs_proves_nothing() -> None:
    values = np.zeros(100)
    values[7] = -1.0
    found = estimate(values, np.arange(100))
    assert (found.low, found.high) == (-1.0, 0.0)


def test_a_small_error_rate_has_resamples_enough() -> None:
    values = np.random.default_rng(0).normal(0, 1, 200)
    rare, usual = estimate(values, np.arange(200), 1e-4), estimate(values, np.arange(200))
    ratio = NormalDist().inv_cdf(1 - 1e-4) / NormalDist().inv_cdf(1 - 0.025)
    assert (rare.high - rare.value) / (usual.high - usual.value) == pytest.approx(ratio, rel=0.15)


def test_units_are_rows_values_or_days_and_not_too_many() -> None:
    assert paired.unit_codes(None, 4, 0).tolist() == [0, 1, 2, 3]
    assert paired.unit_codes(pd.Series(["b", None, "b", 1]), 4, 0).tolist() == [0, 1, 0, 2]
    times = pd.Series(pd.to_datetime(["2026-01-01T05:00", "2026-01-01T23:00", "2026-01-02T00:00"]))
    assert paired.unit_codes(times, 3, 0).tolist() == [0, 0, 1]
    dealt = paired.unit_codes(None, 10_000, 0)
    assert np.unique(np.bincount(dealt)).tolist() == [10_000 // MOST_UNITS]
    assert (dealt == paired.unit_codes(None, 10_000, 0)).all()
    several = paired.unit_codes(pd.Series(np.repeat(np.arange(1_000), 2)), 2_000, 0)
    assert (several[::2] == several[1::2]).all(), "rows of a unit stay together"
