"""The parameters cell of a notebook, read as papermill reads it: name, annotation, default, comment."""

import ast
import io
import json
import tokenize
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from operation.engine.foundation import syntax
from operation.engine.foundation.errors import UsageError
from operation.engine.identity.annotations import fits, in_words, is_json


@dataclass(frozen=True)
class Parameter:
    """One parameter of a notebook."""

    name: str  # the variable that the cell assigns
    annotation: str  # as written: ``float``, ``float | None``, ``list[str]``; empty when there is none
    default: object  # the literal that stands in the cell
    help: str  # the comment behind it
    line: int  # line in the cell, from 1

    def problem(self, value: object) -> str | None:
        """Return why `value` is not acceptable, or None when it is."""
        if not is_json(value):
            return f"expected {self.expected}, found {value!r}, for which JSON has no word"
        if not self.annotation or fits(self.annotation, value):
            return None
        return f"expected {self.expected}, found {value!r}"

    @property
    def expected(self) -> str:
        """What a value must be, in words."""
        return in_words(self.annotation) or "a value"


@lru_cache(maxsize=128)
def _document(path: Path, modified: int) -> dict[str, Any]:  # noqa: ARG001 - part of the cache's key
    try:
        document = json.loads(path.read_bytes().decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{printable(path.name)}: not a notebook: {error}.") from error
    if reason := _not_a_notebook(document):
        raise UsageError(f"{printable(path.name)}: not a notebook: {reason}.")
    return document  # type: ignore[no-any-return]


def _not_a_notebook(document: Any) -> str | None:
    if isinstance(document, dict) and isinstance(document.get("worksheets"), list):
        command = "jupyter nbconvert --to notebook --inplace"
        return f"it is of version 3. Open and save it in JupyterLab, or use `{command}`"
    if not isinstance(document, dict) or not isinstance(document.get("cells"), list):
        return "it has no cells"
    for cell in document["cells"]:
        if not isinstance(cell, dict) or not {"cell_type", "source"} <= cell.keys():
            return "a cell has no type or no source"
        source = cell["source"]
        if not isinstance(source, str) and not (
            isinstance(source, list) and all(isinstance(line, str) for line in source)
        ):
            return "the source of a cell is no text"
        if not isinstance(cell.get("metadata", {}), dict):
            return "the metadata of a cell are no mapping"
    return None


def printable(name: str) -> str:
    """Return the name of a file for a message, also where its bytes are not UTF-8."""
    return name.encode("utf-8", "backslashreplace").decode("utf-8")


def code_cells(path: Path) -> Iterator[tuple[int, dict[str, Any], str]]:
    """Yield index, cell and source of every code cell of the notebook at `path`."""
    for index, cell in enumerate(_document(path, path.stat().st_mtime_ns)["cells"]):
        if cell["cell_type"] == "code":
            source = cell["source"]
            yield index, cell, source if isinstance(source, str) else "".join(source)


def read_parameters(path: Path) -> dict[str, Parameter]:
    """Read the parameters of the notebook at `path`, by name, in their order.

    Raises
    ------
    UsageError
        When the file is not a notebook or its parameters cell holds more than literals.
    """
    for index, cell, source in code_cells(path):
        if "parameters" in (cell.get("metadata", {}).get("tags") or []):
            place = f"{printable(path.name)}, cell {index + 1}"
            return {parameter.name: parameter for parameter in _parse(place, source)}
    return {}


def _parse(place: str, source: str) -> Iterator[Parameter]:
    try:
        nodes = syntax.parse(source).body
        comments = _comments(source)
        for node in nodes:
            name, annotation, written = _assignment(node)
            value = ast.literal_eval(written)
            if not is_json(value):
                words = "no value of JSON: text, number, list or mapping"
                raise ValueError(f"line {node.lineno}: {value!r} is {words}")
            yield Parameter(name, annotation, value, comments.get(node.end_lineno or 0, ""), node.lineno)
    except SyntaxError as error:
        raise _unreadable(place, f"line {error.lineno}: {error.msg}") from error
    except (ValueError, TypeError, RecursionError, MemoryError, tokenize.TokenError) as error:
        raise _unreadable(place, str(error)) from error


def _unreadable(place: str, reason: str) -> UsageError:
    rule = "the parameters cell may hold only literals, one `name: type = value  # what it is` a line"
    return UsageError(f"{place}: {rule} ({reason}).")


def _assignment(node: ast.stmt) -> tuple[str, str, ast.expr]:
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value:
        return node.target.id, ast.unparse(node.annotation), node.value
    if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
        return node.targets[0].id, "", node.value
    raise ValueError(f"line {node.lineno} is not an assignment")


def _comments(source: str) -> dict[int, str]:
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return {one.start[0]: one.string.lstrip("# ").strip() for one in tokens if one.type == tokenize.COMMENT}


@dataclass(frozen=True)
class StepCall:
    """A call of ``core.<step>(...)`` in a notebook."""

    step: str  # the step that is called
    # argument (with dashes) -> the variable that is handed to it, where a plain name is
    passed: Mapping[str, str]
    arguments: tuple[str, ...]  # all keyword arguments, with dashes
    cell: int  # index of the cell, from 0
    line: int  # line in the cell, from 1


def step_calls(path: Path) -> list[StepCall]:
    """Return every ``core.<name>(...)`` of the notebook; cells that are not plain Python are passed over."""
    return [call for index, _, source in code_cells(path) for call in _calls(index, source)]


def _calls(index: int, source: str) -> Iterator[StepCall]:
    try:
        tree = syntax.parse(source)
    except SyntaxError:  # magics and shell lines are IPython's, not ours
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _is_core(node.func):
            words = [word for word in node.keywords if word.arg]
            yield StepCall(
                step=node.func.attr,  # type: ignore[attr-defined]
                passed={
                    _dashes(word.arg): word.value.id for word in words if isinstance(word.value, ast.Name)
                },
                arguments=tuple(_dashes(word.arg) for word in words),
                cell=index,
                line=node.lineno,
            )


def _dashes(name: str | None) -> str:
    return (name or "").replace("_", "-")


def _is_core(node: ast.expr) -> bool:
    return isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "core"
