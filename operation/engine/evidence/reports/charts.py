"""Small charts in SVG: a trend in the space of a word, and a metric against each parameter of a sweep."""

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from operation.engine.evidence.reports.wording import number, text

_TREND = (120, 30, 3)  # width, height, margin
_WIDTH, _HEIGHT = 340, 210  # of a panel
_LEFT, _RIGHT, _TOP, _BOTTOM = 58, 14, 12, 34
_ROOM = 0.06  # left empty at both ends of a panel's axes, as a share of the values' range
_MOST_TICKS = 6
_LOGARITHMIC = 20.0  # a range that covers more than this factor is drawn in the logarithm

Shown = tuple[int, Mapping[str, object], float]  # number of the point, its values, its metric


class _Scale:
    """From values to where they are drawn, between `begin` and `end`; equal values stand in the middle."""

    def __init__(self, values: Sequence[float], begin: float, end: float, room: float = 0.0) -> None:
        self.ends = tuple(dict.fromkeys((min(values), max(values))))
        span = self.ends[-1] - self.ends[0]
        self._low, self._span = self.ends[0] - span * room, span * (1 + 2 * room)
        self._begin, self._length = begin, end - begin

    def at(self, value: float) -> float:
        share = (value - self._low) / self._span if self._span else 0.5
        return round(self._begin + share * self._length, 1)


def sparkline(values: Sequence[float]) -> str:
    """Return `values` as the points of an SVG polyline, in a box of 120 by 30.

    Parameters
    ----------
    values : sequence of float
        Two or more numbers, oldest first. Equal ones give a level line.

    Examples
    --------
    >>> sparkline([0.0, 1.0])
    '3.0,27.0 117.0,3.0'
    """
    width, height, margin = _TREND
    across = _Scale([0, len(values) - 1], margin, width - margin)
    heights = _Scale(values, height - margin, margin)
    return " ".join(f"{across.at(index):.1f},{heights.at(value):.1f}" for index, value in enumerate(values))


@dataclass(frozen=True)
class Dot:
    """One point in a panel."""

    x: float
    y: float
    words: str
    best: bool


@dataclass(frozen=True)
class Panel:
    """The metric against one parameter.

    Parameters
    ----------
    parameter : str
        Its name.
    dots : list of Dot
        One for each point of the sweep.
    line : str
        Points of an SVG polyline through the means at each value.
    x_ticks, y_ticks : list of tuple
        Where, and what is written there.
    description : str
        What the chart shows, in words.
    """

    parameter: str
    dots: list[Dot]
    line: str
    x_ticks: list[tuple[float, str]]
    y_ticks: list[tuple[float, str]]
    description: str


def panels(varied: Sequence[str], shown: Sequence[Shown], metric: str, best: int | None) -> list[Panel]:
    """Return a panel for each of the parameters that has more than one value.

    Parameters
    ----------
    varied : sequence of str
        Parameters.
    shown : sequence of tuple
        Number, values and metric of each point, two or more.
    metric : str
        Its name.
    best : int or None
        Number of the best point.
    """
    return [
        _panel(name, shown, metric, best)
        for name in varied
        if len({text(values[name]) for _, values, _ in shown}) > 1
    ]


def _panel(name: str, shown: Sequence[Shown], metric: str, best: int | None) -> Panel:
    across = _across([values[name] for _, values, _ in shown])
    heights = _Scale([value for _, _, value in shown], _HEIGHT - _BOTTOM, _TOP, _ROOM)
    dots = [
        Dot(
            across[text(values[name])],
            heights.at(value),
            f"point {point}: {name}={text(values[name])}, {metric} {number(value)}",
            point == best,
        )
        for point, values, value in shown
    ]
    measured: dict[str, list[float]] = defaultdict(list)
    for _, values, value in shown:
        measured[text(values[name])].append(value)
    means = {word: statistics.fmean(measured[word]) for word in sorted(measured, key=across.__getitem__)}
    return Panel(
        parameter=name,
        dots=dots,
        line=" ".join(f"{across[word]:.1f},{heights.at(mean):.1f}" for word, mean in means.items()),
        x_ticks=_thinned([(across[word], word) for word in means]),
        y_ticks=[(heights.at(value), number(value)) for value in heights.ends],
        description=_description(name, metric, means),
    )


def _across(values: Sequence[object]) -> dict[str, float]:
    """Return where each value stands: numbers to scale, anything else side by side in its order."""
    distinct = {text(value): value for value in values}
    numbers = {
        word: float(value)
        for word, value in distinct.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }
    if len(numbers) < len(distinct):
        numbers = {word: float(index) for index, word in enumerate(distinct)}
    elif min(numbers.values()) > 0 and max(numbers.values()) / min(numbers.values()) > _LOGARITHMIC:
        numbers = {word: math.log(value) for word, value in numbers.items()}
    scale = _Scale(list(numbers.values()), _LEFT, _WIDTH - _RIGHT, _ROOM)
    return {word: scale.at(value) for word, value in numbers.items()}


def _thinned(ticks: list[tuple[float, str]]) -> list[tuple[float, str]]:
    """Leave out ticks that would stand too close; the first and the last stay."""
    if len(ticks) <= _MOST_TICKS:
        return ticks
    return list(_spread(ticks, (ticks[-1][0] - ticks[0][0]) / _MOST_TICKS))


def _spread(ticks: list[tuple[float, str]], apart: float) -> Iterator[tuple[float, str]]:
    last = -apart
    for at, word in ticks[:-1]:
        if at - last >= apart and ticks[-1][0] - at >= apart:
            last = at
            yield at, word
    yield ticks[-1]


def _description(name: str, metric: str, means: Mapping[str, float]) -> str:
    low, high = min(means, key=means.__getitem__), max(means, key=means.__getitem__)
    ends = f"{number(means[low])} at {low} to {number(means[high])} at {high}"
    return f"{metric} against {name}: on average from {ends}"
