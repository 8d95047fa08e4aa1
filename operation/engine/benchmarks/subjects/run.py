"""The whole use case from nothing: no store, no run before."""

from __future__ import annotations

from operation.engine import configuration
from operation.engine.benchmarks import ways
from operation.engine.benchmarks.contender import Comparison, Contender
from operation.engine.benchmarks.given import given
from operation.engine.benchmarks.options import Options
from operation.engine.benchmarks.subjects.remarks import CELLS, PAGES
from operation.engine.benchmarks.tools import Tools


def comparisons(tools: Tools, options: Options) -> list[Comparison]:
    """Compare `run` with the sum of all notebooks one after the other."""
    del options
    configured = configuration.load(None, None, tools.workplace.layout)
    layout = tools.workplace.layout
    values = {one.name: given(layout, configured, one.name) for one in configured.notebooks}
    tools.workplace.seed([])
    scripts = [ways.plain_script(tools, name, each) for name, each in values.items()]
    count = len(values)
    found = [
        Contender(
            f"{count} plain scripts in sequence",
            lambda _: [tools.plain(script) for script in scripts],
            "no notebook, no HTML; outputs of steps are shared through the store",
            6 * count,
        ),
        Contender(
            "workbench run",
            lambda _: [tools.operation("run")],
            "notebooks, HTML, manifest, gallery, logged to MLflow",
            5 * count,
        ),
    ]
    if tools.peers:
        found.append(
            Contender(
                f"{count} x papermill + nbconvert",
                lambda place: [
                    command
                    for name, each in values.items()
                    for command in ways.papermill_nbconvert(tools, place, name, each)
                ],
                "notebooks, HTML; outputs of steps are shared through the store",
                13 * count,
            )
        )
    title = f"the whole use case {configured.use_case} in {configured.environment}, from nothing"
    remarks = ["Before each: nothing, not even the tables of MLflow's database.", CELLS, PAGES]
    return [Comparison("run", title, found, lambda _: tools.workplace.fresh(), remarks)]
