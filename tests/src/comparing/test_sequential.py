"""Sequential tests: exact where all outcomes can be listed, simulated where they cannot.

``WORKBENCH_EXPERIMENTS=10000`` asks for more experiments; ``-s`` shows the rates that were found.
"""

from __future__ import annotations

import itertools
import math
import os
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from comparing import sequential
from comparing.sequential import Array, SequentialResult
from tests.src.running import error_of

EXPERIMENTS = int(os.environ.get("WORKBENCH_EXPERIMENTS", "400"))
AT_ONCE = 200
ERROR_RATE, POWER = 0.05, 0.8
Draw = Callable[[np.random.Generator, int, int], tuple[Array, float]]


def evidence(sums: float, squares: float, reach: float = 1.0) -> float:
    return float(sequential.log_evidence(np.array([sums]), np.array([squares]), reach)[0])


@given(st.floats(0.01, 1), st.floats(0.01, 1))
def test_evidence_against_the_truth_is_expected_to_shrink(down: float, up: float) -> None:
    """Of a score that is -down or up, with a mean of 0: every such distribution, exactly."""
    chance = down / (down + up)
    for sign in (1, -1):
        expected = chance * math.exp(evidence(sign * up, up**2))
        expected += (1 - chance) * math.exp(evidence(-sign * down, down**2))
        assert expected <= 1 + 1e-12


def test_evidence_is_expected_to_shrink_though_scores_depend_on_all_before() -> None:
    """All 2 ** 10 courses of a game in which the stakes rise after each loss."""
    expected = 0.0
    for course in itertools.product([False, True], repeat=10):
        chance, sums, squares, down = 1.0, 0.0, 0.0, 0.1
        for won in course:
            up = 1 - down
            score = up if won else -down
            chance *= down / (down + up) if won else up / (down + up)
            sums, squares = sums + score, squares + score**2
            down = 0.1 if won else min(0.9, down * 1.7)
        expected += chance * math.exp(evidence(sums, squares))
    assert 0 < expected <= 1


@given(st.floats(0, 1e7), st.floats(0.5, 50), st.floats(1e-6, 0.5))
def test_the_interval_ends_where_the_evidence_suffices(squares: float, reach: float, rate: float) -> None:
    half = float(sequential.half_width(np.array([squares]), reach, rate)[0])
    assert evidence(half, squares, reach) == pytest.approx(math.log(2 / rate), rel=1e-6)


def test_evidence_beyond_what_a_float_holds_is_infinite_without_a_warning() -> None:
    assert evidence(1e9, 1.0) == math.inf
    assert evidence(-1e9, 1.0) == -math.inf


SIX = st.lists(st.floats(0, 1), min_size=6, max_size=6).map(np.array)
SHARES = st.lists(st.sampled_from([0.05, 0.1, 0.5, 0.8]), min_size=6, max_size=6).map(np.array)


@given(SIX, SIX, SHARES)
def test_weighted_differences_are_right_on_average_over_all_that_could_be_drawn(
    champion: Array, challenger: Array, shares: Array
) -> None:
    """Whatever both variants would have lost, whatever the shares: all 2 ** 6 ways to draw them, exactly."""
    draws = np.array(list(itertools.product([False, True], repeat=6)))
    chances = np.where(draws, shares, 1 - shares).prod(axis=1)
    scores, reach = sequential.weighted_differences(np.where(draws, challenger, champion), draws, shares)
    assert chances @ scores.sum(axis=1) == pytest.approx((challenger - champion).sum(), abs=1e-9)
    assert np.abs(scores).max() <= reach


def test_a_course_tells_at_each_look_what_was_known_then() -> None:
    scores = np.array([0.2, -0.1, 0.4, 0.3] * 50)
    course = SequentialResult.of(scores, 1.0, 0.05)
    looks = np.arange(1, 201)
    difference, low, high = course.intervals(looks)
    assert difference[-1] == pytest.approx(0.2)
    assert (low < high).all()
    for value in (0.0, 0.05, 0.15):
        assert (course.above(value) == (low > value)).all()
        assert (course.below(value) == (high < value)).all()
    shorter = SequentialResult.of(scores[:60], 1.0, 0.05)
    assert shorter.intervals(np.array([60]))[1][0] == low[59]
    stop = int(sequential.first(course.above()))
    assert low[stop - 2] <= 0 < low[stop - 1]


def test_never_is_0() -> None:
    certain = np.array([[False, False], [False, True], [True, True]])
    assert sequential.first(certain).tolist() == [0, 2, 1]


def split(champion: float, challenger: float, share: float) -> Draw:
    """Draw experiments in which each request is answered by one variant and wrong with a probability."""

    def draw(random: np.random.Generator, experiments: int, rows: int) -> tuple[Array, float]:
        drawn = random.random((experiments, rows)) < share
        wrong = random.random((experiments, rows)) < np.where(drawn, challenger, champion)
        return sequential.weighted_differences(wrong.astype("float64"), drawn, share)

    return draw


def shadow(difference: float) -> Draw:
    """Draw experiments in which both variants score each request; most losses are small, a few are large."""

    def draw(random: np.random.Generator, experiments: int, rows: int) -> tuple[Array, float]:
        small = random.normal(0, 0.05, (experiments, rows))
        large = random.random((experiments, rows)) < 0.05
        scores = np.where(large, random.uniform(-0.9, 0.9, (experiments, rows)), small)
        return np.clip(scores, -0.95, 0.95) + difference, 1.0

    return draw


def growing(random: np.random.Generator, experiments: int, rows: int) -> tuple[Array, float]:
    """Draw experiments in which both variants are wrong more and more often, while the share grows."""
    shares = np.where(np.arange(rows) < rows // 2, 0.1, 0.5)
    drawn = random.random((experiments, rows)) < shares
    wrong = random.random((experiments, rows)) < np.linspace(0.02, 0.6, rows)
    return sequential.weighted_differences(wrong.astype("float64"), drawn, shares)


def stopped(draw: Draw, rows: int) -> tuple[int, int, float]:
    """Return how many experiments found the challenger better, and worse, and rows until it was better."""
    random = np.random.default_rng(20130101)
    better = worse = 0
    ends: list[Array] = []
    for _ in range(EXPERIMENTS // AT_ONCE):
        scores, reach = draw(random, AT_ONCE, rows)
        course = SequentialResult.of(scores, reach, ERROR_RATE)
        below, above = sequential.first(course.below()), sequential.first(course.above())
        # the first answer stands
        earlier = (below > 0) & ((above == 0) | (below < above))
        better, worse = better + int(earlier.sum()), worse + int((~earlier & (above > 0)).sum())
        ends.append(np.where(below > 0, below, rows).astype("float64"))
    return better, worse, float(np.mean(ends))


def at_most(rate: float) -> float:
    """Return a count that a rate hardly ever exceeds: four standard deviations above."""
    total = EXPERIMENTS // AT_ONCE * AT_ONCE
    return rate * total + 4 * math.sqrt(total * rate * (1 - rate))


def at_least(rate: float) -> float:
    """Return a count that a rate hardly ever falls short of: four standard deviations below."""
    total = EXPERIMENTS // AT_ONCE * AT_ONCE
    return rate * total - 4 * math.sqrt(total * rate * (1 - rate))


def rate(count: int) -> str:
    """Return a rate with its 95 % interval for a binomial share (Wilson, 1927)."""
    total, z = EXPERIMENTS // AT_ONCE * AT_ONCE, 1.959964
    found = count / total
    middle = (found + z**2 / (2 * total)) / (1 + z**2 / total)
    half = z / (1 + z**2 / total) * math.sqrt(found * (1 - found) / total + z**2 / (4 * total**2))
    return f"{count} of {total}, {found:.2%} ({max(middle - half, 0):.2%} to {middle + half:.2%})"


EQUAL: dict[str, tuple[Draw, int]] = {
    "split in halves": (split(0.3, 0.3, 0.5), 1600),
    "a tenth, rarely wrong": (split(0.02, 0.02, 0.1), 1600),
    "a share that grows, wrong more and more often": (growing, 1600),
    "in shadow": (shadow(0.0), 1600),
}


@pytest.mark.parametrize("name", EQUAL)
def test_equal_variants_are_told_apart_no_more_often_than_stated(name: str) -> None:
    draw, rows = EQUAL[name]
    better, worse, _ = stopped(draw, rows)
    print(f"{name}: stopped falsely {rate(better + worse)}, looked at {rows} times each")
    assert better + worse <= at_most(ERROR_RATE)


DIFFERENT: dict[str, tuple[Draw, float, float, float]] = {
    "split in halves": (split(0.35, 0.25, 0.5), -0.1, 2 * math.sqrt(0.21), 2.0),
    "a tenth": (split(0.4, 0.2, 0.1), -0.2, math.sqrt(0.16 / 0.1 + 0.24 / 0.9), 10.0),
    "in shadow": (shadow(-0.02), -0.02, math.sqrt(0.05 * 0.27 + 0.95 * 0.0025), 1.0),
}


@pytest.mark.parametrize("name", DIFFERENT)
def test_a_difference_is_found_as_often_as_planned(name: str) -> None:
    draw, difference, spread, reach = DIFFERENT[name]
    rows = sequential.observations_needed(difference, spread, reach, ERROR_RATE, POWER)
    better, worse, mean = stopped(draw, rows)
    fixed = (1.96 + 0.8416) ** 2 * spread**2 / difference**2
    print(
        f"{name}: found {rate(better)}, the wrong way round {rate(worse)}, within {rows} rows, "
        f"{mean:.0f} on average; one look at a number fixed before takes {fixed:.0f}"
    )
    assert at_least(POWER) <= better
    assert worse <= at_most(ERROR_RATE / 2)


def test_a_smaller_difference_takes_more_rows() -> None:
    needed = [
        sequential.observations_needed(difference, 0.4, 1.0, 0.05, 0.8) for difference in (0.2, 0.1, 0.05)
    ]
    assert needed == sorted(needed)
    assert 3 < needed[2] / needed[1] < 5


def test_a_difference_that_nothing_finds() -> None:
    assert (
        error_of(sequential.observations_needed, 1e-9, 0.4, 1.0, 0.05, 0.8)
        == "a difference of 1e-09 is too small to find: give a larger one"
    )


@pytest.mark.parametrize("rate", [0.0, 1.0, -0.1, math.nan])
def test_an_error_rate_that_is_none(rate: float) -> None:
    assert (
        error_of(SequentialResult.of, np.zeros(3), 1.0, rate)
        == f"--error-rate: {rate:g} is out of range: give a number between 0 and 1"
    )
