"""The command passes on what it is given and says what it wrote; the pages have tests of their own."""

from __future__ import annotations

import argparse
import json
import webbrowser
from pathlib import Path

import pytest

from operation.commands import report
from operation.engine.evidence.reports.latest import point_latest
from operation.engine.foundation.errors import UsageError, WorkbenchError

OLD, NEW = "20261121-120000-flights-DEV-aaaa", "20261122-120000-flights-DEV-bbbb"


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two runs of one notebook each; the newer one is the latest."""
    monkeypatch.setenv("WORKBENCH_ROOT", str(tmp_path))
    cell = {"cell_type": "markdown", "id": "a", "metadata": {}, "source": "# How late?"}
    document = {"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    for name in (OLD, NEW):
        folder = tmp_path / "runs" / name
        (folder / "notebooks").mkdir(parents=True)
        (folder / "notebooks" / "01-explore-data.ipynb").write_text(json.dumps(document), encoding="utf-8")
        manifest = {"id": name, "kind": "run", "status": "succeeded"}
        (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    point_latest(tmp_path / "runs", tmp_path / "runs" / NEW)
    return tmp_path / "runs"


def call(*words: str) -> int:
    parser = argparse.ArgumentParser()
    report.add_arguments(parser)
    return report.run(parser.parse_args(words))


@pytest.mark.parametrize(("words", "name"), [([], NEW), (["latest"], NEW), ([OLD], OLD)])
def test_a_run_is_rendered_again_and_what_was_written_is_said(
    runs: Path, capsys: pytest.CaptureFixture[str], words: list[str], name: str
) -> None:
    assert call(*words) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"wrote runs/{name}/01-explore-data.html",
        "wrote runs/index.html",
        f"wrote runs/{name}/index.html",
    ]
    assert name in (runs / name / "01-explore-data.html").read_text(encoding="utf-8")


def test_one_notebook_is_rendered_beside_itself(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    notebook = runs / OLD / "notebooks" / "01-explore-data.ipynb"
    assert call("--notebook", str(notebook)) == 0
    assert capsys.readouterr().out == f"wrote runs/{OLD}/notebooks/01-explore-data.html\n"


def test_the_page_is_opened_when_asked_to(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", opened.append)
    call("--open")
    assert opened == [(runs / NEW / "index.html").resolve().as_uri()]


def test_an_unknown_run_is_met_with_the_nearest(runs: Path) -> None:
    with pytest.raises(UsageError) as caught:
        call("20261121-120000-flights-DEV-aaab")
    assert str(caught.value) == (
        f"There is no run '20261121-120000-flights-DEV-aaab' in runs. Did you mean '{OLD}'?"
    )


def test_without_a_run_the_message_says_how_to_make_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORKBENCH_ROOT", str(tmp_path))
    with pytest.raises(UsageError) as caught:
        call()
    assert str(caught.value) == "No runs yet. Start one: python3 -m operation run"


def test_a_notebook_that_is_not_there(runs: Path) -> None:
    with pytest.raises(UsageError) as caught:
        call("--notebook", "gone.ipynb")
    assert str(caught.value) == (
        "--notebook gone.ipynb: there is no such file. Name an executed notebook (.ipynb)."
    )


def test_a_broken_manifest_still_gives_pages(runs: Path) -> None:
    (runs / NEW / "manifest.json").write_text("{", encoding="utf-8")
    assert call() == 0
    assert "has no readable manifest" in (runs / NEW / "index.html").read_text(encoding="utf-8")


def test_half_a_notebook_does_not_keep_the_other_pages_from_being_written(
    runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    torn = runs / NEW / "notebooks" / "02-prepare-data.ipynb"
    torn.write_text('{"cells": [', encoding="utf-8")
    with pytest.raises(WorkbenchError) as caught:
        call()
    assert str(caught.value).startswith(f"{torn}: not a notebook")
    assert len(capsys.readouterr().out.splitlines()) == 3
