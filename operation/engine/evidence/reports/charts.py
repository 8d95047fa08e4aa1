"""Small charts in SVG: a trend in the space of a word, and a metric against each parameter of a sweep."""

import math
import statistics
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from operation.engine.evidence.reports.wording import number, text

_TREND = (120, 30, 3)  # width, height, margin
_WIDTH, _HEIGHT = 340, 210  # of a panel
_LEFT, _RIGHT, _TOP, _BOTTOM = 58, 14, 12, 34
_ROOM = 0.06  # left empty at both ends of a panel's axes, as a share of the values' range
_MOST_TICKS = 6
_LOGARITHMIC = 20.0  # a range that covers more than this factor is drawn in the logarithm

Point = tuple[int, Mapping[str, object], float]  # number, values of the parameters, metric
Tick = tuple[float, str]


class Scale:
    """From values to where they are drawn, between `begin` and `end`; equal values stand in the middle."""

    def __init__(self, values: Sequence[float], begin: float, end: float, room: float = 0.0) -> None:
        self.ends = tuple(dict.fromkeys((min(values), max(values))))
        span = self.ends[-1] - self.ends[0]
        self._low, self._span = self.ends[0] - span * room, span * (1 + 2 * room)
        self._begin, self._length = begin, end - begin

    def at(self, value: float) -> float:
        """Return where a value is drawn."""
        share = (value - self._low) / self._span if self._span else 0.5
        return round(self._begin + share * self._length, 1)


def sparkline(values: Sequence[float]) -> str:
    """Return two or more values, oldest first, as the points of an SVG polyline in a box of 120 by 30.

    >>> sparkline([0.0, 1.0])
    '3.0,27.0 117.0,3.0'
    """
    width, height, margin = _TREND
    across = Scale([0, len(values) - 1], margin, width - margin)
    heights = Scale(values, height - margin, margin)
    return " ".join(f"{across.at(index):.1f},{heights.at(value):.1f}" for index, value in enumerate(values))


@dataclass(frozen=True)
class Dot:
    """One point of the sweep in a panel."""

    x: float
    y: float
    title: str
    best: bool


@dataclass(frozen=True)
class Panel:
    """The metric against one parameter."""

    parameter: str
    dots: list[Dot]
    line: str  # points of an SVG polyline through the means at each value
    x_ticks: list[Tick]
    y_ticks: list[Tick]
    description: str  # what the chart shows, in words


def panels(varied: Sequence[str], points: Sequence[Point], metric: str, best: int | None) -> list[Panel]:
    """Return a panel for each of the `varied` parameters that has more than one value.

    Parameters
    ----------
    varied : sequence of str
        Parameters.
    points : sequence of tuple
        Number, values and metric of each point, two or more.
    metric : str
        Its name.
    best : int or None
        Number of the best point.
    """
    return [
        _panel(name, [(number, values[name], value) for number, values, value in points], metric, best)
        for name in varied
        if len({text(values[name]) for _, values, _ in points}) > 1
    ]


def _panel(name: str, points: Sequence[tuple[int, object, float]], metric: str, best: int | None) -> Panel:
    across = _across([setting for _, setting, _ in points])
    heights = Scale([value for *_, value in points], _HEIGHT - _BOTTOM, _TOP, _ROOM)
    dots, measured = [], defaultdict[str, list[float]](list)
    for point, setting, value in points:
        word = text(setting)
        title = f"point {point}: {name}={word}, {metric} {number(value)}"
        dots.append(Dot(across[word], heights.at(value), title, point == best))
        measured[word].append(value)
    means = {word: statistics.fmean(measured[word]) for word in sorted(measured, key=across.__getitem__)}
    low, high = min(means, key=means.__getitem__), max(means, key=means.__getitem__)
    ends = f"{number(means[low])} at {low} to {number(means[high])} at {high}"
    return Panel(
        parameter=name,
        dots=dots,
        line=" ".join(f"{across[word]:.1f},{heights.at(mean):.1f}" for word, mean in means.items()),
        x_ticks=thinned([(across[word], word) for word in means]),
        y_ticks=[(heights.at(value), number(value)) for value in heights.ends],
        description=f"{metric} against {name}: on average from {ends}",
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
    scale = Scale(list(numbers.values()), _LEFT, _WIDTH - _RIGHT, _ROOM)
    return {word: scale.at(value) for word, value in numbers.items()}


def thinned(ticks: list[Tick]) -> list[Tick]:
    """Leave out ticks that would stand too close; the first and the last stay."""
    apart = (ticks[-1][0] - ticks[0][0]) / _MOST_TICKS if len(ticks) > _MOST_TICKS else 0.0
    kept = ticks[:1]
    for tick in ticks[1:-1]:
        if min(tick[0] - kept[-1][0], ticks[-1][0] - tick[0]) >= apart:
            kept.append(tick)
    return [*kept, *ticks[1:][-1:]]
