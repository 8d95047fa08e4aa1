"""Notebooks are executed again exactly when something they depend on has changed."""

from __future__ import annotations

import json

import pytest

from operation import cli
from operation.engine.foundation.layout import Layout, project
from operation.engine.identity.state import ProjectState
from operation.engine.runs.notebook_code import notebook_components
from operation.engine.runs.request import Request, prepare
from operation.engine.runs.reuse import unchanged
from operation.engine.runs.run import start
from tests.operation.engine.runs.conftest import CHANGES, add, edit


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


NOTHING = {
    "comment": edit("src/words.py", "def letters", "# a comment\ndef letters"),
    "docstring": edit("src/count.py", "Count the letters", "Count all letters"),
    "comment of a cell": edit(
        "notebooks/02-double-count.ipynb", "doubled.metrics", "doubled.metrics  # twice"
    ),
    "comment in the configuration": edit(
        "configuration/configuration-DEV.yml", "FACTOR: 1", "FACTOR: 1 # one"
    ),
    "comment in the lock": edit("requirements.lock", "one==1.0", "one==1.0  # via two"),
    "new module": add("src/unused.py", "x = 1\n"),
    "picture": add("notebooks/report.png", "x"),
}


@pytest.mark.parametrize("what", NOTHING)
def test_what_no_notebook_depends_on_is_nothing_to_do(ran: Layout, what: str) -> None:
    NOTHING[what](ran)
    assert unchanged(ran, prepare(ran, Request())) == next(ran.runs.glob("2*"))


def test_what_was_before_a_change_is_known_when_it_comes_back(ran: Layout) -> None:
    data = ran.root / "data" / "text.txt"
    first, content = next(ran.runs.glob("2*")), data.read_text()
    data.write_text("xyz")
    assert start(ran, prepare(ran, Request()), lambda *_: None).status == "succeeded"
    data.write_text(content)
    assert unchanged(ran, prepare(ran, Request())) == first


@pytest.mark.parametrize(("name", "serving"), [("03-train-model", False), ("06-score-realtime", True)])
def test_of_the_engine_only_what_decides_how_a_cell_runs_counts(name: str, serving: bool) -> None:
    layout = project()
    scripts = {"train": "src/train.py"}
    components, packages = notebook_components(
        ProjectState(layout), layout.notebooks / f"{name}.ipynb", scripts
    )
    layers = {file.partition("/")[0] for file in components["engine"]}
    expected = {"foundation", "identity", "configuration", "steps", "notebooks"}
    assert layers == expected | ({"delivery"} if serving else set())
    assert "utils.py" not in components["src"]
    assert {"ipykernel", "pandas"} <= packages.versions.keys()
    assert not {"ruff", "jupyterlab", "nbconvert", "pytest"} & packages.versions.keys()


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
