"""What the code of a notebook means: its cells, the modules behind them, the engine that executes them."""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from operation.engine.foundation.layout import Layout
from operation.engine.identity.meaning import Code, read_cell
from operation.engine.identity.packages import KERNEL, Packages
from operation.engine.identity.source import CodeFolder
from operation.engine.identity.state import ProjectState

# The layers of the engine that decide how a cell runs; those above them, and all other rooms, do not.
_LAYERS = ("foundation", "identity", "configuration", "steps", "notebooks")
_READ_VARIABLES = {"environ", "environb", "getenv", "getenvb"}


class _Cell(NamedTuple):
    kind: str
    tags: list[str]
    source: str
    code: Code | None  # None: text, or a cell that is not plain Python


def notebook_components(
    state: ProjectState, notebook: Path, scripts: Mapping[str, str]
) -> tuple[dict[str, Any], Packages]:
    """Return what the code behind a notebook digests to, and the packages that it may use.

    Comments, docstrings and formatting do not count. What does: the cells; the modules of ``notebooks/``
    and ``src/`` that they import, all of them where a cell is not plain Python; the plots where
    ``core.plots`` is named; the scripts of the steps that are named, and that of scoring where
    ``core.serve`` is; variables of the environment that cells or modules beside them read by name; the layers
    of the engine that decide how a cell runs.

    Parameters
    ----------
    scripts : mapping
        Step -> its Core Script, from the root.
    """
    folders = {name: state.folder(state.layout.root / name) for name in ("src", "notebooks")}
    own = frozenset({"operation"}.union(*(folder.own for folder in folders.values())))
    cells = _read(state, notebook, own)
    codes = [cell.code for cell in cells if cell.code]
    traits = {trait for code in codes for trait in code.traits}
    names = {name for code in codes for name in code.names}
    entries = list(_entries(state.layout, names, scripts))
    if any(cell.kind == "code" and cell.code is None for cell in cells):
        entries += [file for folder in folders.values() for file in folder.folder.rglob("*.py")]
    found: dict[str, Any] = {"cells": [_meaning(cell, traits) for cell in cells]}
    imports = {one.module.partition(".")[0] for code in codes for one in code.imports}
    for name, folder in folders.items():
        files = _closure(folder, entries, codes)
        found[name] = folder.digests(files, traits)
        imports |= folder.imports(files)
        if name == "notebooks":  # a Core Script reads none
            codes += [folder.code(file) for file in files if file.suffix == ".py"]
    found["variables"] = _variables(codes)
    found["engine"] = _engine(state, "serve" in names)
    return found, state.packages.used(frozenset(imports - own), KERNEL)


def _variables(codes: Sequence[Code]) -> dict[str, str]:
    """Return the variables of the environment that code names which reads some."""
    names = {name for code in codes for name in code.names}
    return {name: os.environ[name] for name in sorted(names & os.environ.keys()) if names & _READ_VARIABLES}


def _read(state: ProjectState, notebook: Path, own: frozenset[str]) -> list[_Cell]:
    cells = []
    for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
        source, tags = "".join(cell["source"]), sorted(cell.get("metadata", {}).get("tags", []))
        code = read_cell(source, own, state.memory) if cell["cell_type"] == "code" else None
        cells.append(_Cell(cell["cell_type"], tags, source, code))
    return cells


def _meaning(cell: _Cell, traits: set[str]) -> list[Any]:
    if cell.code is None or "text" in traits:
        return [cell.kind, cell.tags, cell.source]
    docstrings = cell.code.docstrings if "docstrings" in traits else ""
    return [cell.kind, cell.tags, cell.code.parts, docstrings]


def _entries(layout: Layout, names: set[str], scripts: Mapping[str, str]) -> Iterator[Path]:
    """Yield what ``core.<name>`` leads to in ``src/``."""
    for name in sorted(names & scripts.keys()):
        yield layout.root / scripts[name]
    wanted = {"plots": "plotting/__init__.py", "serve": "score.py"}
    paths = [layout.src / path for name, path in wanted.items() if name in names]
    yield from (path for path in paths if path.is_file())


def _closure(folder: CodeFolder, entries: Sequence[Path], codes: Sequence[Code]) -> list[Path]:
    first = [file for file in entries if file.is_relative_to(folder.folder)]
    first += [file for code in codes for file in folder.read_by(code, folder.folder)]
    return folder.closure(dict.fromkeys(first))


@lru_cache(maxsize=4)
def _engine(state: ProjectState, serves: bool) -> dict[str, dict[str, str]]:
    """Return the meaning of the engine's layers that decide how a cell runs."""
    engine = Path(__file__).resolve().parents[1]
    code = CodeFolder(engine.parents[1], state.memory)
    layers = [*_LAYERS, "delivery/serving"] if serves else _LAYERS
    files = sorted(file for layer in layers for file in (engine / layer).rglob("*.py"))
    return {file.relative_to(engine).as_posix(): code.code(file).parts for file in files}
