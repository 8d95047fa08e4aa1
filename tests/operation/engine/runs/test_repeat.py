"""The same request is answered at once, and never once anything that the answer rests on has changed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from operation.engine.foundation.layout import Layout
from operation.engine.runs.request import Request, prepare
from operation.engine.runs.reuse import answered, unchanged
from tests.operation.engine.runs.conftest import CHANGES, edit

MORE = {
    "contract": edit("src/count.py", "add_argument", " add_argument"),
    "use case": edit("configuration/configuration-tiny.yml", "description:", "description: x"),
}


@pytest.fixture
def asked(ran: Layout) -> Layout:
    """The tiny project, asked a second time."""
    assert unchanged(ran, prepare(ran, Request())) == _run(ran)
    return ran


def _run(layout: Layout) -> Path:
    return next(layout.runs.glob("2*"))


def test_the_same_request_has_the_same_answer(asked: Layout) -> None:
    assert answered(asked, Request()) == _run(asked)


@pytest.mark.parametrize("what", [*CHANGES, *MORE])
def test_no_answer_outlives_a_change(asked: Layout, what: str) -> None:
    {**CHANGES, **MORE}[what](asked)
    assert answered(asked, Request()) is None


def test_another_request_has_no_answer(asked: Layout) -> None:
    for request in (Request(given=["factor=2"]), Request(notebooks=["01-count-letters"])):
        assert answered(asked, request) is None


def test_a_variable_that_wins_over_the_file_counts_and_another_does_not(
    asked: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOT_IN_ANY_FILE", "1")
    assert answered(asked, Request()) == _run(asked)
    monkeypatch.setenv("FACTOR", "3")
    assert answered(asked, Request()) is None
    monkeypatch.delenv("FACTOR")
    monkeypatch.setenv("ENVIRONMENT", "TEST")
    assert answered(asked, Request()) is None


def test_an_input_that_comes_or_goes_counts(asked: Layout) -> None:
    text = asked.root / "data" / "text.txt"
    aside = text.rename(text.with_suffix(".aside"))
    assert answered(asked, Request()) is None
    aside.rename(text)
    assert answered(asked, Request()) == _run(asked)


def test_the_answer_costs_no_library(asked: Layout) -> None:
    code = (
        "import sys; from operation import cli; code = cli.main(['run']); "
        "print(sorted({'pydantic', 'yaml', 'pandas', 'papermill'} & set(sys.modules))); sys.exit(code)"
    )
    said = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[4],
    )
    assert said.stdout.splitlines()[0].startswith("nothing to do: nothing changed since run ")
    assert said.stdout.splitlines()[-1] == "[]"
