"""Medians, spread and ratios."""

from __future__ import annotations

import statistics
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from operation.engine.benchmarks.contender import Comparison, Contender, Measured, Place
from operation.engine.benchmarks.summary import summary
from operation.engine.benchmarks.table import table

SECONDS = st.floats(0.001, 1e4)


def compared(**contenders: int) -> Comparison:
    """Return a comparison; contender -> how many of its commands are executed at once."""
    every = [Contender(name, lambda _: [], at_once=at_once) for name, at_once in contenders.items()]
    return Comparison("test", "a test", every, lambda _: Place(Path(), Path()))


def test_ratios_are_of_the_medians_and_of_each_round() -> None:
    found = {
        "plain": [Measured(1.0), Measured(2.0), Measured(3.0)],
        "other": [*map(Measured, (2.0, 2.0, 9.0))],
    }
    rows = summary(compared(plain=1, other=1), found)
    assert [row["ratio"] for row in rows] == [1.0, 1.0]
    assert rows[1]["ratios"] == [2.0, 1.0, 3.0]
    assert (rows[1]["ratio_least"], rows[1]["ratio_most"]) == (1.0, 3.0)
    assert (rows[1]["least"], rows[1]["median"], rows[1]["most"]) == (2.0, 2.0, 9.0)
    assert table(rows).splitlines() == [
        "          median      least       most      ratio   ratio of each round",
        "plain     2.00 s     1.00 s     3.00 s       1.00   1.00 1.00 1.00",
        "other     2.00 s     2.00 s     9.00 s       1.00   2.00 1.00 3.00",
        "slowest round over 30% above the fastest: plain, other",
    ]


def test_time_in_cells_is_shared_by_those_at_once_and_the_rest_is_said() -> None:
    found = {
        "plain": [Measured(10.0, cpu=9.0)],
        "sweep": [Measured(7.0, cpu=8.0, cells=10.0, kilobytes=123.0)],
    }
    plain, sweep = summary(compared(plain=2, sweep=2), found)
    assert (plain["cells"], plain["rest"], plain["kilobytes"]) == (None, None, None)
    assert (sweep["cells"], sweep["rest"], sweep["kilobytes"], sweep["cpu"]) == (5.0, 2.0, 123.0, 8.0)
    assert table([plain, sweep]).splitlines()[2].split() == [
        *("sweep", "7.00", "s", "7.00", "s", "7.00", "s", "0.70"),
        *("8.00", "s", "5.00", "s", "2.00", "s", "123", "kB", "0.70"),
    ]


def test_short_times_are_milliseconds() -> None:
    assert table(summary(compared(a=1), {"a": [Measured(0.0416)]})).splitlines()[1].split()[1:3] == [
        "41.60",
        "ms",
    ]


@given(st.lists(st.tuples(SECONDS, SECONDS), min_size=1, max_size=9))
def test_figures_hold_together(pairs: list[tuple[float, float]]) -> None:
    found = {"plain": [Measured(one) for one, _ in pairs], "other": [Measured(two) for _, two in pairs]}
    plain, other = summary(compared(plain=1, other=1), found)
    assert (plain["ratio"], set(plain["ratios"])) == (1.0, {1.0})
    assert other["least"] <= other["median"] <= other["most"]
    assert other["ratio_least"] <= statistics.median(other["ratios"]) <= other["ratio_most"]
    assert other["ratio"] * plain["median"] == pytest.approx(other["median"])
    assert [ratio * one for ratio, (one, _) in zip(other["ratios"], pairs, strict=True)] == pytest.approx(
        [two for _, two in pairs]
    )


@given(st.lists(SECONDS, min_size=1, max_size=9), st.floats(0.1, 10))
def test_a_contender_that_takes_so_many_times_as_long_has_that_ratio(
    times: list[float], factor: float
) -> None:
    found = {"plain": [*map(Measured, times)], "other": [Measured(factor * one) for one in times]}
    _, other = summary(compared(plain=1, other=1), found)
    assert other["ratio"] == pytest.approx(factor)
    assert other["ratios"] == pytest.approx([factor] * len(times))
