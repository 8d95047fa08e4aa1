"""The page of a year that was played: one column for each delivery, and what retraining was worth."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from operation.engine.evidence.reports.charts import Scale
from operation.engine.evidence.reports.pages import render
from operation.engine.evidence.reports.wording import number

WAYS = ("in service", "never retrained", "retrained each time")
_WIDTH, _HEIGHT, _LEFT, _TOP, _BOTTOM = 880, 220, 60, 14, 30


class Line(NamedTuple):
    """One way of retraining in the chart."""

    way: str
    points: str  # of an SVG polyline
    dots: list[tuple[float, float, str]]


class Chart(NamedTuple):
    """The quality of each way over the periods."""

    lines: list[Line]
    ticks: list[tuple[float, str]]  # of the vertical axis
    names: list[tuple[float, str]]  # of the periods


def write_year_page(folder: Path, year: Mapping[str, Any]) -> Path:
    """Write ``index.html`` from the content of ``year.json``."""
    return render("year.html.j2", folder / "index.html", year=year, chart=chart(year["periods"]))


def chart(periods: Sequence[Mapping[str, Any]]) -> Chart | None:
    """Return the chart, or None where no quality is known."""
    values: list[float] = [value for period in periods for value in period["quality"].values()]
    if not values:
        return None
    across = Scale([0, len(periods) - 1], _LEFT, _WIDTH - 20)
    up = Scale(values, _HEIGHT - _BOTTOM, _TOP)
    lines = []
    for way in WAYS:
        known = [(i, p["period"], p["quality"][way]) for i, p in enumerate(periods) if way in p["quality"]]
        dots = [(across.at(i), up.at(value), f"{name}, {way}: {number(value)}") for i, name, value in known]
        lines.append(Line(way, " ".join(f"{x},{y}" for x, y, _ in dots), dots))
    names = [(across.at(index), period["period"]) for index, period in enumerate(periods)]
    return Chart(lines, [(up.at(value), number(value)) for value in up.ends], names)
