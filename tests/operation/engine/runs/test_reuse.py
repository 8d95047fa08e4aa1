"""Notebooks are executed again exactly when something they depend on has changed."""

from __future__ import annotations

import json

import pytest

from operation import cli
from operation.engine.foundation.layout import Layout
from operation.engine.runs.request import Request, prepare
from operation.engine.runs.reuse import unchanged
from operation.engine.runs.run import start
from tests.operation.engine.runs.conftest import CHANGES, edit


def test_a_run_that_changes_nothing_has_nothing_to_do(
    ran: Layout, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = sorted(ran.runs.glob("2*"))
    assert unchanged(ran, prepare(ran, Request())) == runs[0]
    assert cli.main(["run"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said == [
        f"nothing to do: nothing changed since run {runs[0].name}, and every output is intact",
        f"report: runs/{runs[0].name}/index.html",
    ]
    assert cli.main(["run", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["unchanged"] is True
    assert sorted(ran.runs.glob("2*")) == runs


@pytest.mark.parametrize("what", CHANGES)
def test_whatever_changes_there_is_something_to_do(ran: Layout, what: str) -> None:
    CHANGES[what](ran)
    assert unchanged(ran, prepare(ran, Request())) is None


def test_a_parameter_and_fresh_are_something_to_do(ran: Layout) -> None:
    assert unchanged(ran, prepare(ran, Request(given=["factor=2"]))) is None
    assert unchanged(ran, prepare(ran, Request(fresh=True))) is None


def test_only_the_changed_notebook_is_executed(ran: Layout) -> None:
    first = next(ran.runs.glob("2*")).name
    CHANGES["cell"](ran)
    record = start(ran, prepare(ran, Request()), lambda *_: None)
    before, after = record.content["notebooks"]
    assert (before["reused_from"], before["report"]) == (first, f"../{first}/01-count-letters.html")
    assert (record.folder.path / before["notebook"]).is_file()
    assert "reused_from" not in after
    assert [(step["step"], step["how"]) for step in record.content["steps"]] == [
        ("count", "reused"),
        ("double", "reused"),
    ]
    assert record.content["metrics"] == {"count.letters": 5.0, "double.doubled": 10.0}


def test_a_failed_notebook_is_executed_again(tiny: Layout) -> None:
    edit("data/text.txt", "abc de", "123")(tiny)
    assert start(tiny, prepare(tiny, Request()), lambda *_: None).status == "failed"
    record = start(tiny, prepare(tiny, Request()), lambda *_: None)
    assert record.status == "failed"
    assert "reused_from" in record.content["notebooks"][0]
