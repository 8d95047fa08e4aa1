"""Notebooks are executed again exactly when something they depend on has changed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from operation import cli
from operation.engine.layout import Layout
from operation.engine.runs.request import Request, prepare
from operation.engine.runs.reuse import unchanged
from operation.engine.runs.run import start
from tests.operation.engine.conftest import build


@pytest.fixture(scope="session")
def one_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What one run of the tiny project leaves."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        layout = build(tmp_path_factory.mktemp("ran"), monkeypatch)
        record = start(layout, prepare(layout, Request()), lambda *_: None)
    assert record.status == "succeeded"
    return layout.runs


@pytest.fixture
def ran(tiny: Layout, one_run: Path) -> Layout:
    """The tiny project after that run."""
    shutil.copytree(one_run, tiny.runs, symlinks=True)
    return tiny


def _edit(name: str, old: str, new: str) -> Callable[[Layout], None]:
    def edit(layout: Layout) -> None:
        path = layout.root / name
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")

    return edit


def _remove(pattern: str) -> Callable[[Layout], None]:
    def remove(layout: Layout) -> None:
        next(layout.runs.glob(pattern)).unlink()

    return remove


def _damage(layout: Layout) -> None:
    file = next(layout.store.glob("*/result/metrics.json"))
    file.write_text(file.read_text() + " ")


CHANGES = {
    "cell": _edit("notebooks/02-double-count.ipynb", "doubled.metrics", "doubled"),
    "script": _edit("src/words.py", "sum(1", "sum(2"),
    "data": _edit("data/text.txt", "abc", "abcd"),
    "configuration": _edit("configuration/configuration-DEV.yml", "FACTOR: 1", "FACTOR: 2"),
    "lock": _edit("requirements.lock", "one==1.0", "one==1.1"),
    "executed notebook": _remove("2*/notebooks/02-double-count.ipynb"),
    "report": _remove("2*/01-count-letters.html"),
    "output": _damage,
}


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
    _edit("data/text.txt", "abc de", "123")(tiny)
    assert start(tiny, prepare(tiny, Request()), lambda *_: None).status == "failed"
    record = start(tiny, prepare(tiny, Request()), lambda *_: None)
    assert record.status == "failed"
    assert "reused_from" in record.content["notebooks"][0]
