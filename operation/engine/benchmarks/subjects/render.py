"""HTML of an executed notebook: in a process that is warm, and from a cold command."""

from __future__ import annotations

import shutil
from pathlib import Path

from operation.engine import configuration
from operation.engine.benchmarks.contender import Command, Comparison, Contender, Place
from operation.engine.benchmarks.options import Options
from operation.engine.benchmarks.sample import write_sample
from operation.engine.benchmarks.subjects.notebooks import seed
from operation.engine.benchmarks.tools import Tools
from operation.engine.errors import UsageError

_WARM = Path(__file__).parents[1] / "warm"
_NAME = "rendered.ipynb"


def comparisons(tools: Tools, options: Options) -> list[Comparison]:
    """Compare renders in a warm process among each other, and cold commands among each other."""
    source = options.executed or _sample(tools, options)
    if not source.is_file():
        raise UsageError(f"--executed {source}: there is no such file. Name an executed notebook (.ipynb).")
    size = f"{source.stat().st_size / 1000:.0f} kB"

    def place(contender: Contender) -> Place:
        del contender
        fresh = tools.workplace.as_it_is()
        shutil.copy(source, fresh.out / _NAME)
        return fresh

    told = "the project's cells and outputs, put together" if options.executed is None else str(source)
    remarks = [f"The notebook: {told}.", "HTML: the whole page, in 1000 bytes."]
    once = "Imports and the first render of each process are counted in its processor time alone."
    warm = f"a notebook of {size} rendered in a warm process: median of {options.renders} renders a round"
    cold = f"a notebook of {size} rendered by a cold command"
    return [
        Comparison("render-warm", warm, _warm(tools, options.renders), place, [*remarks, once]),
        Comparison("render-cold", cold, _cold(tools), place, remarks),
    ]


def _warm(tools: Tools, renders: int) -> list[Contender]:
    count = str(renders)

    def ours(place: Place) -> list[Command]:
        return [tools.own("python", str(_WARM / "workbench.py"), str(place.out / _NAME), count)]

    def theirs(place: Place) -> list[Command]:
        return [tools.peer("python", str(_WARM / "stock.py"), str(place.out / _NAME), count)]

    found = [Contender("workbench", ours, "read, rendered, written", 4, figure=_last_number)]
    if tools.peers:
        found.append(
            Contender(
                "nbconvert", theirs, "one exporter kept; read, rendered, written", 6, figure=_last_number
            )
        )
    return found


def _cold(tools: Tools) -> list[Contender]:
    found = [
        Contender(
            "workbench report",
            lambda place: [tools.operation("report", "--notebook", str(place.out / _NAME))],
            "one page that asks for nothing",
            1,
        )
    ]
    if tools.peers:
        found.append(
            Contender(
                "nbconvert",
                lambda place: [tools.peer("jupyter-nbconvert", "--to", "html", str(place.out / _NAME))],
                "one page that loads scripts from elsewhere",
                3,
            )
        )
    return found


def _last_number(said: str) -> float:
    return float(said.rsplit(maxsplit=1)[-1])


def _sample(tools: Tools, options: Options) -> Path:
    """Execute the notebook and those before it; make one of 50 kB of what they left."""
    configured = configuration.load(None, None, tools.workplace.layout)
    before = seed(tools, configured, options.notebook)
    tools.workplace.seed([tools.operation("run", "--notebook", *before, options.notebook)])
    place = tools.workplace.fresh()
    executed = [
        place.project / "runs" / "latest" / "notebooks" / f"{name}.ipynb"
        for name in (*before, options.notebook)
    ]
    return write_sample(executed, tools.workplace.folder / "sample.ipynb")
