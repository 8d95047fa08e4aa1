"""A step that fails leaves what a failed run leaves."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from operation import cli
from operation.engine.evidence.capsule.unpack import read_capsule
from operation.engine.foundation.layout import Layout
from tests.operation.engine.conftest import build


@pytest.fixture
def failing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Layout:
    """The tiny project with nothing to double."""
    layout = build(tmp_path / "project", monkeypatch)
    monkeypatch.setenv("FACTOR", "0")
    return layout


def test_a_failed_step_leaves_a_capsule_that_fails_again(
    failing: Layout, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["step", "double", "--mode", "square"]) == 1
    said = capsys.readouterr().err.splitlines()
    (capsule,) = failing.runs.glob("2*/capsule.zip")
    assert f"replay: python3 -m operation replay {failing.relative(capsule)}" in said
    assert said[-1].startswith("error: src/double.py:20: ")
    content = read_capsule(capsule).content
    assert content["command"] == "python3 -m operation step double --mode square"
    assert content["error"]["type"] == "ValueError"
    notebook = json.loads((capsule.parent / "notebooks" / "step-double.ipynb").read_text(encoding="utf-8"))
    assert notebook["cells"][-1]["source"] == "core.double(mode='square')"
    assert (capsule.parent / "index.html").is_file()
    assert cli.main(["replay", str(capsule), "--check", "--yes"]) == 0
    assert "notebooks/step-double.ipynb is in no commit" in capsys.readouterr().out


def test_a_secret_that_cannot_be_masked_prevents_the_capsule(
    failing: Layout, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DB_PASSWORD", "letters")
    assert cli.main(["step", "double"]) == 1
    assert (
        "warning: no capsule was written: DB_PASSWORD is too short or too common a word to be masked. Unset "
        "DB_PASSWORD or give it a longer value; or, if whoever gets the capsule may know it, rerun with "
        "--include-secrets."
    ) in capsys.readouterr().err.splitlines()
    assert list(failing.runs.glob("2*/capsule.zip")) == []
    assert cli.main(["step", "double", "--include-secrets"]) == 1
    assert len(list(failing.runs.glob("2*/capsule.zip"))) == 1


def test_a_step_that_works_leaves_no_run(failing: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACTOR", "1")
    assert cli.main(["step", "double"]) == 0
    assert list(failing.runs.glob("2*")) == []
