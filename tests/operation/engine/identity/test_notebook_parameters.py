"""Parameters cells and step calls, read as text."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from operation.engine.foundation.errors import UsageError
from operation.engine.identity.notebook_parameters import read_parameters, step_calls
from tests.operation.engine.conftest import notebook


def _write(folder: Path, parameters: str, *cells: str) -> Path:
    path = folder / "book.ipynb"
    path.write_text(json.dumps(notebook(parameters, *cells)))
    return path


def test_name_annotation_default_and_comment_are_read(tmp_path: Path) -> None:
    path = _write(
        tmp_path, 'rate: float | None = None  # learning rate\nname = "x"\nsizes: list[int] = [1, -2]'
    )
    found = read_parameters(path)
    assert [(one.name, one.annotation, one.default, one.help) for one in found.values()] == [
        ("rate", "float | None", None, "learning rate"),
        ("name", "", "x", ""),
        ("sizes", "list[int]", [1, -2], ""),
    ]


@pytest.mark.parametrize(
    ("annotation", "value", "problem"),
    [
        ("float | None", "fast", "expected a number or nothing, found 'fast'"),
        ("float | None", 1, None),
        ("float | None", None, None),
        ("float", True, "expected a number, found True"),
        ("int", 1.5, "expected a whole number, found 1.5"),
        ("list[int]", [1, "a"], "expected a list, found [1, 'a']"),
        ("list[int]", [1, 2], None),
        ("bool", False, None),
        ("str", 5, "expected text, found 5"),
        ("dict", {"a": 1}, None),
    ],
)
def test_a_value_is_checked_against_the_annotation(
    tmp_path: Path, annotation: str, value: object, problem: str | None
) -> None:
    parameter = read_parameters(_write(tmp_path, f"x: {annotation} = None"))["x"]
    assert parameter.problem(value) == problem


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ("x = compute()", "malformed node or string on line 1: <ast.Call object at "),
        ("x.y = 1", "line 1 is not an assignment"),
        ("import os", "line 1 is not an assignment"),
        ("x = ", "line 1: invalid syntax"),
        ('a: str = "b"\nx: list[int] = [1, 2\n', "line 2: '[' was never closed"),
        ("x = 1\n  y = 2", "line 2: unexpected indent"),
        ('x = "a', "line 1: unterminated string literal (detected at line 1)"),
        ("x = {[1]: 2}", "unhashable type: 'list'"),
    ],
)
def test_a_parameters_cell_of_more_than_literals_is_refused(tmp_path: Path, cell: str, reason: str) -> None:
    with pytest.raises(UsageError) as raised:
        read_parameters(_write(tmp_path, cell))
    rule = "the parameters cell may hold only literals, one `name: type = value  # what it is` a line"
    assert str(raised.value).startswith(f"book.ipynb, cell 2: {rule} ({reason}")


def test_a_notebook_without_parameters_has_none(tmp_path: Path) -> None:
    document = notebook("x = 1")
    document["cells"] = document["cells"][:1]
    path = tmp_path / "book.ipynb"
    path.write_text(json.dumps(document))
    assert read_parameters(path) == {}


@pytest.mark.parametrize("text", ["", "{", "[]", "{}"])
def test_a_file_that_is_no_notebook_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "book.ipynb"
    path.write_text(text)
    with pytest.raises(UsageError, match=r"book\.ipynb: not a notebook"):
        read_parameters(path)


def test_calls_of_steps_are_found_with_what_is_passed(tmp_path: Path) -> None:
    path = _write(
        tmp_path,
        "rate = 1",
        "%matplotlib inline\n",
        "core.train(learning_rate=rate, depth=3)\nother.x(rate=rate)",
    )
    (call,) = step_calls(path)
    assert (call.step, dict(call.passed), call.arguments) == (
        "train",
        {"learning-rate": "rate"},
        ("learning-rate", "depth"),
    )
    assert (call.cell, call.line) == (3, 1)
