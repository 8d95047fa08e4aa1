"""What can be measured: each subject prepares the project and returns its comparisons."""

from __future__ import annotations

import ast
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from operation.engine.foundation.children import thread_limits
from tests.benchmarks.graph import write_graph
from tests.benchmarks.project import HOME, Project, by_pyperf
from tests.benchmarks.rounds import Command, Comparison, Contender, execute

GRID = ("learning_rate=0.02,0.03,0.04,0.05,0.06", "max_leaf_nodes=15,31")


@dataclass(frozen=True)
class Options:
    """What a person chooses.

    Parameters
    ----------
    notebook : str
        Of notebook, sweep and render.
    grid : sequence of str
        Of the sweep, as it is typed.
    workers : int
        Points of the sweep, and plain scripts, at the same time.
    values : int
        How often pyperf measures in a round.
    peers : bool
        Whether doit and DVC take part.
    """

    notebook: str
    grid: Sequence[str]
    workers: int
    values: int
    peers: bool


def notebook(project: Project, options: Options) -> list[Comparison]:
    """Compare one notebook, those before it executed, from a cold command to its output and HTML."""
    name = options.notebook
    _seed_before(project, name)
    values = project.parameters(name)
    script = project.script(name, values)
    contenders = [
        Contender("plain script", lambda _: [project.plain(script)]),
        Contender("workbench run", lambda _: [project.operation("run", "--notebook", name)]),
        Contender("papermill, no HTML", lambda out: project.papermill(out, name, values)[:1]),
        Contender("papermill + nbconvert", lambda out: project.papermill(out, name, values)),
    ]
    return [Comparison(name, contenders, project.fresh)]


def sweep(project: Project, options: Options) -> list[Comparison]:
    """Compare a sweep with plain scripts, as many at once, that share the cores."""
    name, workers = options.notebook, options.workers
    _seed_before(project, name)
    axes = {axis: values.split(",") for axis, _, values in (text.partition("=") for text in options.grid)}
    common = project.parameters(name)
    points = [
        {**common, **dict(zip(axes, map(ast.literal_eval, values), strict=True))}
        for values in product(*axes.values())
    ]
    scripts = [project.script(name, point, f"-{number}") for number, point in enumerate(points)]
    words = [word for text in options.grid for word in ("--grid", text)]
    limits = thread_limits(workers)
    command = project.operation("sweep", name, *words, "--workers", str(workers))
    contenders = [
        Contender(
            f"plain scripts, {workers} at once",
            lambda _: [project.plain(s, limits) for s in scripts],
            workers,
        ),
        Contender("workbench sweep, with HTML", lambda _: [command]),
    ]
    return [Comparison(f"{len(points)} points of {name}", contenders, project.fresh)]


def run(project: Project, options: Options) -> list[Comparison]:
    """Compare the whole use case, from nothing, with its notebooks one after the other and side by side."""
    workers = options.workers
    limits = thread_limits(workers)
    values = {name: project.parameters(name) for name in project.notebooks}
    scripts = [project.script(name, each) for name, each in values.items()]

    def papermill(out: Path) -> list[Command]:
        return [command for name, each in values.items() for command in project.papermill(out, name, each)]

    contenders = [
        Contender("plain scripts", lambda _: [project.plain(script) for script in scripts]),
        Contender(
            f"plain scripts, {workers} at once",
            lambda _: [project.plain(script, limits) for script in scripts],
            workers,
        ),
        Contender("workbench run", lambda _: [project.operation("run")]),
        Contender("workbench run --jobs 1", lambda _: [project.operation("run", "--jobs", "1")]),
        Contender("papermill + nbconvert", papermill),
    ]
    return [
        Comparison(f"{len(scripts)} notebooks of {project.configured.use_case}", contenders, project.fresh)
    ]


def render(project: Project, options: Options) -> list[Comparison]:
    """Compare the HTML of an executed notebook: in a warm process, and from a cold command."""
    name = options.notebook
    project.seed("run", "--notebook", *_until(project, name))
    executed = project.layout.runs / "latest" / "notebooks" / f"{name}.ipynb"
    copy = project.folder / "executed.ipynb"
    shutil.copy(executed, copy)
    page = str(copy.with_suffix(".html"))
    ours = (
        "from pathlib import Path; from operation.engine.evidence.reports.notebook import render_notebook",
        f"render_notebook(Path({str(copy)!r}), Path({page!r}), {{}})",
    )
    theirs = (
        "from pathlib import Path; from nbconvert import HTMLExporter; exporter = HTMLExporter()",
        f"Path({page!r}).write_text(exporter.from_filename({str(copy)!r})[0], encoding='utf-8')",
    )
    python = shutil.which("python", path=str(project.tools)) or sys.executable

    def warm(out: Path, program: str, statements: tuple[str, str]) -> list[Command]:
        variables = {**project.variables, "PYTHONPATH": str(HOME)}
        command = Command([program, "--setup", *statements], HOME, variables)
        return [by_pyperf(out, command, options.values, "timeit")]

    html = project.tool("jupyter-nbconvert", "--to", "html", str(copy))
    size = f"{name}, {copy.stat().st_size / 1000:.0f} kB"
    return [
        Comparison(
            f"{size}, in a warm process",
            [
                Contender("nbconvert", lambda out: warm(out, python, theirs)),
                Contender("workbench", lambda out: warm(out, sys.executable, ours)),
            ],
            project.empty,
        ),
        Comparison(
            f"{size}, by a cold command",
            [
                Contender("nbconvert", lambda _: [html]),
                Contender(
                    "workbench report", lambda _: [project.operation("report", "--notebook", str(copy))]
                ),
            ],
            project.empty,
        ),
    ]


def noop(project: Project, options: Options) -> list[Comparison]:
    """Compare a run of the use case in which nothing changed with Python's start, and with doit and DVC."""
    project.seed("run")
    again = project.operation("run")
    output = execute([again], "before measuring")
    if "nothing to do" not in output:
        raise SystemExit(f"a second run did something:\n{output}")
    commands = {"python3 -c pass": Command([again.words[0], "-c", "pass"], HOME), "workbench run": again}
    if options.peers:
        commands |= _peers(project)

    def contender(name: str, command: Command) -> Contender:
        return Contender(name, lambda out: [by_pyperf(out, command, options.values)])

    contenders = [contender(name, command) for name, command in commands.items()]
    return [Comparison("nothing changed", contenders, project.empty)]


def _peers(project: Project) -> dict[str, Command]:
    """Have doit and DVC execute a graph of as many tasks, on files as many and as large, once each."""
    commands = {}
    for name, words in (("doit", []), ("dvc", ["repro"])):
        folder = project.folder / name
        write_graph(project.layout.root, project.layout.runs / "latest", folder)
        tool = project.tool(name, *words)
        quiet = {**tool.variables, "DVC_NO_ANALYTICS": "1", "DVC_SITE_CACHE_DIR": str(folder / "site")}
        command = commands[name] = Command(tool.words, folder, quiet)
        if name == "dvc":
            begin = [tool.words[0], "init", "--no-scm", "--quiet"]
            execute([Command(begin, folder, quiet)], "before measuring")
        execute([command], "before measuring")
    return commands


def _until(project: Project, name: str) -> list[str]:
    if name not in project.notebooks:
        raise SystemExit(f"--notebook {name}: there are {', '.join(project.notebooks)}")
    return project.notebooks[: project.notebooks.index(name) + 1]


def _seed_before(project: Project, name: str) -> None:
    before = _until(project, name)[:-1]
    if before:
        project.seed("run", "--notebook", *before)


SUBJECTS = {each.__name__: each for each in (notebook, sweep, run, render, noop)}
