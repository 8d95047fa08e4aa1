"""How a metric follows each parameter, as points and a line of means in SVG."""

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from operation.engine.reports.wording import number
from operation.engine.sweeps.plan import written

WIDTH, HEIGHT = 340, 210
LEFT, RIGHT, TOP, BOTTOM = 58, 14, 12, 34
_MOST_TICKS = 6
_APART = 20.0  # a range that covers more than this factor is drawn in the logarithm

Shown = tuple[int, Mapping[str, object], float]  # number of the point, its values, its metric


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
        Points of an SVG polyline through the means at each value, or empty.
    x_ticks, y_ticks : list of tuple
        Where, and what is written there.
    description : str
        What the picture shows, in words.
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
        if len({written(values[name]) for _, values, _ in shown}) > 1
    ]


def _panel(name: str, shown: Sequence[Shown], metric: str, best: int | None) -> Panel:
    places = _places([values[name] for _, values, _ in shown])
    heights = _Scale([value for _, _, value in shown], HEIGHT - BOTTOM, TOP)
    dots = [
        Dot(
            places[written(values[name])],
            heights.at(value),
            f"point {point}: {name}={written(values[name])}, {metric} {number(value)}",
            point == best,
        )
        for point, values, value in shown
    ]
    means = _means(name, shown)
    return Panel(
        parameter=name,
        dots=dots,
        line=" ".join(f"{places[value]:.1f},{heights.at(mean):.1f}" for value, mean in means),
        x_ticks=_thinned([(places[value], value) for value, _ in means]),
        y_ticks=[(heights.at(value), number(value)) for value in heights.ends],
        description=_description(name, metric, means),
    )


class _Scale:
    """From values to where they are drawn; a little room is left at both ends."""

    def __init__(self, values: Sequence[float], begin: float, end: float) -> None:
        self.ends = tuple(dict.fromkeys((min(values), max(values))))
        span = self.ends[-1] - self.ends[0]
        self._low = self.ends[0] - span * 0.06
        self._span = span * 1.12
        self._begin, self._length = begin, end - begin

    def at(self, value: float) -> float:
        share = (value - self._low) / self._span if self._span else 0.5
        return round(self._begin + share * self._length, 1)


def _places(values: Sequence[object]) -> dict[str, float]:
    """Return where each value stands: numbers to scale, anything else side by side in its order."""
    distinct = {written(value): value for value in values}
    numbers = {
        name: float(value)
        for name, value in distinct.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }
    if len(numbers) == len(distinct):
        drawn = _drawn(numbers)
    else:
        drawn = {name: float(at) for at, name in enumerate(distinct)}
    scale = _Scale(list(drawn.values()), LEFT, WIDTH - RIGHT)
    return {name: scale.at(value) for name, value in drawn.items()}


def _drawn(numbers: Mapping[str, float]) -> dict[str, float]:
    low, high = min(numbers.values()), max(numbers.values())
    if low > 0 and high / low > _APART:
        return {name: math.log(value) for name, value in numbers.items()}
    return dict(numbers)


def _means(name: str, shown: Sequence[Shown]) -> list[tuple[str, float]]:
    """Return each value with the mean of the metric there, in the order in which they are drawn."""
    found: dict[str, list[float]] = defaultdict(list)
    for _, values, value in shown:
        found[written(values[name])].append(value)
    places = _places([values[name] for _, values, _ in shown])
    return [(value, statistics.fmean(found[value])) for value in sorted(found, key=places.__getitem__)]


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


def _description(name: str, metric: str, means: Sequence[tuple[str, float]]) -> str:
    low, high = min(means, key=lambda one: one[1]), max(means, key=lambda one: one[1])
    ends = f"{number(low[1])} at {low[0]} to {number(high[1])} at {high[0]}"
    return f"{metric} against {name}: on average from {ends}"
