"""Notebooks fit for Git: no outputs, no counts, no definitions, nothing that only one machine has."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from operation.engine.foundation import syntax
from operation.engine.foundation.errors import Problem
from operation.engine.foundation.nearest import listed

NOTEBOOK_METADATA = ("kernelspec", "language_info")
CELL_METADATA = ("tags",)
KERNEL = "python3"


def notebook_problems(path: Path, file: str) -> list[Problem]:
    """Return what keeps a notebook from being fit for Git; `file` is its name in messages."""
    try:
        text = path.read_text(encoding="utf-8")
        document = json.loads(text)
        cells = document["cells"]
        kinds = [cell["cell_type"] for cell in cells]
    except (OSError, ValueError, KeyError, TypeError) as error:
        return [Problem(file, 1, f"cannot be read as a notebook: {type(error).__name__}: {error}.")]
    starts = _lines_of(text, r'^\s*"cell_type":')
    if len(starts) != len(kinds):
        starts = [1] * len(kinds)  # JSON that no notebook editor has laid out
    problems = [Problem(file, 1, message) for message in _whole(document)]
    for index, cell in enumerate(cells):
        messages = [f"cell {index + 1} {message}" for message in _cell(cell, file)]
        problems += [Problem(file, starts[index], message) for message in messages]
    return problems


def _lines_of(text: str, pattern: str) -> list[int]:
    return [number for number, line in enumerate(text.splitlines(), 1) if re.search(pattern, line)]


def _whole(document: dict[str, Any]) -> Iterator[str]:
    metadata = document.get("metadata", {})
    if extra := sorted(set(metadata) - set(NOTEBOOK_METADATA)):
        allowed = listed(NOTEBOOK_METADATA, "and")
        yield f"the notebook's metadata hold {listed(extra, 'and')}: keep {allowed} alone."
    kernel = metadata.get("kernelspec", {}).get("name", KERNEL)
    if kernel != KERNEL:
        yield f"the kernel '{kernel}' exists on one machine only: expected '{KERNEL}'."
    tagged = [cell for cell in document["cells"] if "parameters" in cell.get("metadata", {}).get("tags", [])]
    if len(tagged) != 1:
        yield f"{len(tagged)} cells are tagged 'parameters': expected one, with the notebook's defaults."


def _cell(cell: dict[str, Any], file: str) -> Iterator[str]:
    if extra := sorted(set(cell.get("metadata", {})) - set(CELL_METADATA)):
        yield f"has the metadata {listed(extra, 'and')}: keep {listed(CELL_METADATA, 'and')} alone."
    if cell["cell_type"] != "code":
        return
    if cell.get("outputs") or cell.get("execution_count") is not None:
        what = "outputs" if cell.get("outputs") else "an execution count"
        yield f"has {what}. Clear with: jupyter nbconvert --clear-output --inplace {file}"
    for name in _definitions("".join(cell["source"])):
        yield f"defines '{name}': functions and classes live in src/, where they are tested."


def _definitions(source: str) -> list[str]:
    try:
        tree = syntax.parse(source)
    except SyntaxError:  # magics and shell lines are IPython's, not Python's
        return re.findall(r"^\s*(?:async\s+def|def|class)\s+(\w+)", source, re.MULTILINE)
    kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    return [node.name for node in ast.walk(tree) if isinstance(node, kinds)]
