"""A notebook executed by each tool, as its own documentation says."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from operation.engine.benchmarks.contender import Command, Place
from operation.engine.benchmarks.scripts import as_script
from operation.engine.benchmarks.tools import Tools


def plain_script(tools: Tools, name: str, values: Mapping[str, object], label: str = "") -> Path:
    """Write the notebook's cells as a script with `values` for its parameters; return where it is."""
    workplace = tools.workplace
    text = as_script(workplace.notebook(name), workplace.layout.notebooks, values)
    return workplace.script(f"{name}{label}", text)


def papermill_nbconvert(
    tools: Tools, place: Place, name: str, values: Mapping[str, object], label: str = ""
) -> list[Command]:
    """Return papermill's command and nbconvert's for its HTML."""
    out = place.out / f"{name}{label}.ipynb"
    return [
        tools.peer("papermill", *_papermill(place, name, values), str(out)),
        tools.peer("jupyter-nbconvert", "--to", "html", str(out)),
    ]


def papermill_workbench(tools: Tools, place: Place, name: str, values: Mapping[str, object]) -> list[Command]:
    """Return papermill's command with the workbench's engine, in the project's environment."""
    out = str(place.out / f"{name}.ipynb")
    return [tools.own("papermill", *_papermill(place, name, values), out, "--engine", "workbench")]


def nbconvert_execute(tools: Tools, place: Place, name: str) -> list[Command]:
    """Return nbconvert's command that executes and writes HTML alone."""
    words = ("--execute", "--to", "html", "--output-dir", str(place.out), str(_source(place, name)))
    return [tools.peer("jupyter-nbconvert", *words)]


def jupyter_execute(tools: Tools, place: Place, name: str) -> list[Command]:
    """Return nbclient's command and nbconvert's for its HTML."""
    out = place.out / name
    return [
        tools.peer("jupyter-execute", f"--output={out}", str(_source(place, name))),
        tools.peer("jupyter-nbconvert", "--to", "html", f"{out}.ipynb"),
    ]


def nbmake(tools: Tools, place: Place, name: str) -> list[Command]:
    """Return pytest's command with nbmake, under no configuration of this project's tests."""
    settings = place.out / "pytest.ini"
    settings.write_text("[pytest]\n", encoding="utf-8")
    words = ("-q", "-c", str(settings), "-p", "no:cacheprovider", "--nbmake", str(_source(place, name)))
    return [tools.peer("pytest", *words)]


def _papermill(place: Place, name: str, values: Mapping[str, object]) -> list[str]:
    source, as_yaml = _source(place, name), json.dumps(values)
    return ["--no-progress-bar", "--cwd", str(source.parent), "--parameters_yaml", as_yaml, str(source)]


def _source(place: Place, name: str) -> Path:
    return place.project / "notebooks" / f"{name}.ipynb"
