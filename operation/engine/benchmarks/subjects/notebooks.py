"""One real notebook: from the command's start to the executed notebook and its HTML."""

from __future__ import annotations

from importlib.metadata import entry_points

from operation.engine import configuration
from operation.engine.benchmarks import ways
from operation.engine.benchmarks.contender import Comparison, Contender
from operation.engine.benchmarks.given import given
from operation.engine.benchmarks.options import Options, earlier
from operation.engine.benchmarks.subjects.remarks import CELLS, PAGES
from operation.engine.benchmarks.tools import Tools
from operation.engine.configuration import Configuration


def comparisons(tools: Tools, options: Options) -> list[Comparison]:
    """Execute the notebooks before; each contender then executes this one and its own steps."""
    name, configured = options.notebook, configuration.load(None, None, tools.workplace.layout)
    before = seed(tools, configured, name)
    values = given(tools.workplace.layout, configured, name)
    found = [*_own(tools, name, values), *(_peers(tools, name, values) if tools.peers else [])]
    remarks = [
        f"Before each: {' and '.join(before) or 'nothing'} executed, the outputs of their steps in the "
        "store. Each executes the notebook's own steps.",
        "The plain script holds the same cells; it draws no picture and renders no table.",
        "nbconvert, jupyter execute and nbmake take no parameters: the defaults in the notebook hold.",
        CELLS,
        PAGES,
    ]
    title = f"{name}, from a cold command to the executed notebook and its HTML"
    return [Comparison("notebooks", title, found, lambda _: tools.workplace.fresh(), remarks)]


def seed(tools: Tools, configured: Configuration, name: str) -> list[str]:
    """Execute the notebooks before `name` in the workplace, and return their names."""
    before = earlier([one.name for one in configured.notebooks], name)
    tools.workplace.seed([tools.operation("run", "--notebook", *before)] if before else [])
    return before


def _own(tools: Tools, name: str, values: dict[str, object]) -> list[Contender]:
    script = ways.plain_script(tools, name, values)
    found = [
        Contender("plain script", lambda _: [tools.plain(script)], "no notebook, no HTML", 5),
        Contender(
            "workbench run",
            lambda _: [tools.operation("run", "--notebook", name)],
            "notebook, HTML, manifest, gallery, logged to MLflow",
            6,
        ),
    ]
    engine = Contender(
        "papermill --engine workbench",
        lambda place: ways.papermill_workbench(tools, place, name, values),
        "notebook, no HTML",
        6,
    )
    return [*found, *([engine] if _registered() else [])]


def _registered() -> bool:
    """Return whether papermill knows the engine: in .venv, not in an environment that a person made."""
    return any(one.name == "workbench" for one in entry_points(group="papermill.engine"))


def _peers(tools: Tools, name: str, values: dict[str, object]) -> list[Contender]:
    return [
        Contender(
            "papermill + nbconvert",
            lambda place: ways.papermill_nbconvert(tools, place, name, values),
            "notebook, HTML",
            12,
        ),
        Contender(
            "nbconvert --execute",
            lambda place: ways.nbconvert_execute(tools, place, name),
            "HTML, no notebook",
            10,
        ),
        Contender(
            "jupyter execute + nbconvert",
            lambda place: ways.jupyter_execute(tools, place, name),
            "notebook, HTML",
            12,
        ),
        Contender(
            "pytest --nbmake", lambda place: ways.nbmake(tools, place, name), "neither notebook nor HTML", 9
        ),
    ]
