"""Sketches: effects are those of the distributions, and chance alone rarely passes for one."""

from __future__ import annotations

import math
import os
from collections.abc import Callable

import numpy as np
import pytest

from comparing.sketches import MAX_CATEGORIES, Array, Sketch

FEATURES, ERROR_RATE, THRESHOLD = 20, 0.05, 0.025  # of detect_drift
BATCHES = int(os.environ.get("WORKBENCH_DRIFT_BATCHES", "20"))
Draw = Callable[[np.random.Generator, int], Array]
KINDS: dict[str, Draw] = {
    "normal": lambda random, rows: random.standard_normal(rows),
    "skewed": lambda random, rows: np.exp(2 * random.standard_normal(rows)),
    "mostly zero": lambda random, rows: random.exponential(size=rows) * (random.random(rows) < 0.1),
    "few values": lambda random, rows: random.integers(0, 7, rows).astype("float64"),
    "with gaps": lambda random, rows: np.where(random.random(rows) < 0.3, np.nan, random.random(rows)),
}
CATEGORIES: dict[str, Draw] = {
    "even": lambda random, rows: random.integers(0, 20, rows).astype("float64"),
    "rare": lambda random, rows: (random.random(rows) < 0.02).astype("float64"),
    "many": lambda random, rows: np.floor(60 * random.random(rows) ** 2),
}


def alarms(draw: Draw, kind: str, rows: int, shift: float = 0.0, threshold: float = 0.0) -> int:
    """Return in how many batches a feature, the only one where it is shifted, is above the threshold."""
    random, count = np.random.default_rng(rows), 0
    for _ in range(BATCHES):
        batch = [(draw(random, rows), draw(random, rows)) for _ in range(1 if shift else FEATURES)]
        lows = [
            Sketch.of(before, kind).effect(after + shift, ERROR_RATE / FEATURES).low  # type: ignore[arg-type]
            for before, after in batch
        ]
        count += max(lows) > threshold
    return count


def bound() -> int:
    """Return the most alarms that a rate of 5 % gives with a probability of 98 %: 17 of 200."""
    chances = [
        math.comb(BATCHES, count) * ERROR_RATE**count * (1 - ERROR_RATE) ** (BATCHES - count)
        for count in range(BATCHES + 1)
    ]
    return next(count for count in range(BATCHES) if sum(chances[: count + 1]) >= 0.98)


@pytest.mark.parametrize("rows", [1_000, 10_000])
@pytest.mark.parametrize("name", KINDS)
def test_equal_distributions_raise_few_alarms_even_at_a_threshold_of_0(name: str, rows: int) -> None:
    assert alarms(KINDS[name], "number", rows) <= bound()


@pytest.mark.parametrize("name", CATEGORIES)
def test_equal_categories_raise_few_alarms_even_at_a_threshold_of_0(name: str) -> None:
    assert alarms(CATEGORIES[name], "category", 1_000) <= bound()


@pytest.mark.parametrize(("rows", "shift"), [(1_000, 0.5), (10_000, 0.1)])
def test_a_shift_that_matters_is_found(rows: int, shift: float) -> None:
    assert alarms(KINDS["normal"], "number", rows, shift, THRESHOLD) >= 0.95 * BATCHES


def test_a_certain_shift_that_does_not_matter_is_silent() -> None:
    assert alarms(KINDS["normal"], "number", 100_000, 0.02, THRESHOLD) == 0


@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e12])
def test_an_effect_is_in_standard_deviations_whatever_the_unit(scale: float) -> None:
    random = np.random.default_rng(0)
    sketch = Sketch.of(scale * random.standard_normal(20_000), "number")
    effect = sketch.effect(scale * (random.standard_normal(20_000) + 0.2), 0.05)
    assert effect.size == pytest.approx(0.2, abs=0.03)
    assert effect.low < 0.2 < effect.high


def test_a_change_of_spread_alone_is_an_effect() -> None:
    random = np.random.default_rng(0)
    sketch = Sketch.of(random.standard_normal(5_000), "number")
    assert sketch.effect(2 * random.standard_normal(5_000), 0.05).low > 0.3


def test_an_outlier_is_no_drift_and_another_constant_is() -> None:
    values = np.random.default_rng(0).standard_normal(2_000)
    assert Sketch.of(values, "number").effect(np.append(values, 1e300), 0.05).low == 0
    same = Sketch.of(np.full(500, 5.0), "number")
    assert same.effect(np.full(500, 5.0), 0.05).size == 0
    assert same.effect(np.full(500, 7.0), 0.05).size == same.effect(np.full(500, 3.0), 0.05).size > 1.7


def test_last_bits_of_repeated_values_make_no_difference() -> None:
    values = np.repeat([0.1, 0.2, 0.7], 300)
    assert Sketch.of(values, "number").effect(np.nextafter(values, 1), 0.05).size == 0


def test_categories_differ_by_the_share_of_rows_that_moved() -> None:
    before, after = np.repeat([0.0, 1, 2], [500, 300, 200]), np.repeat([0.0, 1, 9], [400, 300, 300])
    effect = Sketch.of(before, "category").effect(after, 0.05)
    assert effect.size == pytest.approx(0.3)
    assert 0 < effect.low < 0.3 < effect.high


def test_rare_categories_count_as_one() -> None:
    sketch = Sketch.of(np.repeat(np.arange(100.0), 1 + np.arange(100)), "category")
    assert len(sketch.values) == MAX_CATEGORIES
    assert sketch.values.min() == 100 - MAX_CATEGORIES
    assert sketch.shares.sum() == pytest.approx(1)


def test_missing_values_are_a_share_of_all_rows() -> None:
    whole, gaps = np.ones(1_000), np.where(np.arange(1_000) < 200, np.nan, 1.0)
    assert Sketch.of(whole, "number").missing_effect(gaps, 0.05).size == pytest.approx(0.2)
    assert Sketch.of(gaps, "number").missing_effect(whole, 0.05).low > 0.1
    assert Sketch.of(gaps, "number").known == 800


def test_quantiles_and_shares_below_are_those_of_the_values() -> None:
    values = np.random.default_rng(1).exponential(size=3_000).astype("float32").astype("float64")
    sketch = Sketch.of(values, "number")
    points = np.linspace(0, 4, 50)
    np.testing.assert_allclose(
        sketch.below(points), [(values < point).mean() for point in points], atol=0.011
    )
    assert sketch.quantile(0.5) == np.quantile(values, 0.5, method="inverted_cdf")
    assert np.isnan(Sketch.of(np.full(3, np.nan), "number").quantile(0.5))
