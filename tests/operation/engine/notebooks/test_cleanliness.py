"""Notebooks fit for Git; the faulty fixture `unclean-notebook` holds the messages."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from operation.engine.notebooks.cleanliness import notebook_problems

TAGGED = {"cell_type": "code", "metadata": {"tags": ["parameters"]}, "source": "rate = 0.1", "outputs": []}


def told(path: Path, *cells: object) -> list[str]:
    path.write_text(json.dumps({"cells": cells, "metadata": {}}), encoding="utf-8")
    return [problem.message for problem in notebook_problems(path, "n.ipynb")]


@pytest.mark.parametrize(
    "source",
    ["x = 'def f(): pass'", "%matplotlib inline\nx = 1", "f = lambda x: x", ["import core\n", "x = 1"]],
)
def test_plain_code_is_fine(tmp_path: Path, source: object) -> None:
    assert told(tmp_path / "n.ipynb", TAGGED, {**TAGGED, "metadata": {}, "source": source}) == []


@pytest.mark.parametrize(
    "source",
    ["%time\ndef f():\n    pass", "if x:\n    def f(): pass", "async def f(): pass", "class f: pass"],
)
def test_definitions_are_found(tmp_path: Path, source: str) -> None:
    assert told(tmp_path / "n.ipynb", TAGGED, {**TAGGED, "metadata": {}, "source": source}) == [
        "cell 2 defines 'f': functions and classes live in src/, where they are tested."
    ]


def test_an_execution_count_is_found(tmp_path: Path) -> None:
    assert told(tmp_path / "n.ipynb", {**TAGGED, "execution_count": 3}) == [
        "cell 1 has an execution count. Clear with: jupyter nbconvert --clear-output --inplace n.ipynb"
    ]


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"cells": [1]}', '{"cells": [{}]}'])
def test_what_is_no_notebook(tmp_path: Path, content: str) -> None:
    path = tmp_path / "n.ipynb"
    path.write_text(content, encoding="utf-8")
    problems = notebook_problems(path, "n.ipynb")
    assert len(problems) == 1
    assert problems[0].message.startswith("cannot be read as a notebook: ")
