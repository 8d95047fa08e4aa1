"""A sweep with a report of each point, everything counted from the command's start."""

from __future__ import annotations

import ast
import os
from collections.abc import Mapping

from operation.engine import configuration
from operation.engine.benchmarks import ways
from operation.engine.benchmarks.contender import Command, Comparison, Contender, Place
from operation.engine.benchmarks.given import given
from operation.engine.benchmarks.options import Options
from operation.engine.benchmarks.subjects.notebooks import seed
from operation.engine.benchmarks.subjects.remarks import CELLS, PAGES
from operation.engine.benchmarks.tools import Tools
from operation.engine.runners import thread_limits


def comparisons(tools: Tools, options: Options) -> list[Comparison]:
    """Compare `sweep` with plain scripts at once and with papermill and nbconvert in sequence."""
    name, configured = options.notebook, configuration.load(None, None, tools.workplace.layout)
    before = seed(tools, configured, name)
    common = given(tools.workplace.layout, configured, name)
    points = [{**common, **_literals(point)} for point in options.combinations()]
    found = [*_scripts(tools, options, points), _workbench(tools, options, len(points))]
    if tools.peers:
        found.append(_papermill(tools, name, points))
    remarks = [
        f"Before each: {' and '.join(before) or 'nothing'} executed. A point executes what its values "
        "change; what all points share, one of them executes, for every contender.",
        CELLS,
        f"Where {options.workers} are executed at once, the time in cells is divided by {options.workers}: "
        "what computing alone would take. beside is then what remains.",
        PAGES,
    ]
    title = f"{len(points)} points of {name}, {options.workers} at a time, with HTML"
    label = f"sweep-{len(points)}"
    return [Comparison(label, title, found, lambda _: tools.workplace.fresh(), remarks)]


def _scripts(tools: Tools, options: Options, points: list[dict[str, object]]) -> list[Contender]:
    """Return plain scripts with a share of the cores each, which is the quicker way, and without."""
    paths = [
        ways.plain_script(tools, options.notebook, point, f"-{number}") for number, point in enumerate(points)
    ]
    workers, about = options.workers, 6 * len(points) / min(options.workers, os.cpu_count() or 1)
    limits = thread_limits(workers)
    return [
        Contender(
            f"{len(points)} plain scripts, {workers} at once",
            lambda _: [tools.plain(path, limits) for path in paths],
            "no notebook, no HTML; each is told to use its share of the cores",
            about,
            workers,
        ),
        Contender(
            "the same, threads as they come",
            lambda _: [tools.plain(path) for path in paths],
            "no notebook, no HTML; each takes all cores",
            1.3 * about,
            workers,
        ),
    ]


def _literals(point: Mapping[str, str]) -> dict[str, object]:
    return {name: _literal(text) for name, text in point.items()}


def _literal(text: str) -> object:
    try:
        found: object = ast.literal_eval(text)
    except (SyntaxError, ValueError):
        return text
    return found


def _workbench(tools: Tools, options: Options, count: int) -> Contender:
    axes = options.axes().items()
    grid = [word for name, values in axes for word in ("--grid", f"{name}={','.join(values)}")]
    words = ("sweep", options.notebook, *grid, "--workers", str(options.workers))
    return Contender(
        "workbench sweep",
        lambda _: [tools.operation(*words)],
        "notebooks, HTML, a table and a plot of all points, logged to MLflow",
        1.5 * count + 5,
        options.workers,
    )


def _papermill(tools: Tools, name: str, points: list[dict[str, object]]) -> Contender:
    def commands(place: Place) -> list[Command]:
        return [
            command
            for number, point in enumerate(points)
            for command in ways.papermill_nbconvert(tools, place, name, point, f"-{number}")
        ]

    return Contender("papermill + nbconvert in sequence", commands, "notebooks, HTML", 12.0 * len(points))
