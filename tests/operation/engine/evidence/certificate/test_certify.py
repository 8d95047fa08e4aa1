"""A certificate says identical only where every way gave every byte."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from operation import cli
from operation.engine.evidence.certificate import certify, ways
from operation.engine.foundation.layout import Layout


def _only(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    monkeypatch.setattr(certify, "WAYS", {name: ways.WAYS[name] for name in names})


def _certificate(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, dict[str, object]]:
    code = cli.main(["certify", *words, "--json"])
    return code, json.loads(capsys.readouterr().out)


def _write(layout: Layout, statements: str) -> None:
    """Let count.py write something more, and import what that needs."""
    script = layout.src / "count.py"
    text = script.read_text().replace("folder.mkdir()\n", f"folder.mkdir()\n    {statements}\n")
    script.write_text("import os, sys, pickle\n" + text)


def test_all_ways_of_the_tiny_project_are_identical(tiny: Layout, capsys: pytest.CaptureFixture[str]) -> None:
    code, content = _certificate(capsys)
    assert (code, content["identical"]) == (0, True)
    assert content["ways"].keys() == {"script", "call", "papermill", "forked"}  # type: ignore[attr-defined]
    assert [(one["step"], one["differences"]) for one in content["steps"]] == [("count", []), ("double", [])]  # type: ignore[attr-defined]
    (kept,) = (tiny.runs / "certificates").glob("*/certificate.json")
    assert json.loads(kept.read_text()) == content
    assert kept.with_suffix(".html").is_file()


def test_a_script_that_looks_for_the_notebook_is_found_out(
    tiny: Layout, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _only(monkeypatch, "script", "papermill")
    _write(tiny, "count += 5 * ('ipykernel' in sys.modules)")
    assert cli.main(["certify", "count"]) == 1
    said = capsys.readouterr().out
    assert "  count          DIFFERS      1 files, 16 bytes\n" in said
    expected = "papermill against script: output result: metrics.json: letters: 5.0 is not 10.0\n"
    assert f"    {expected}NOT identical in 2 ways: script, papermill\n" in said


@pytest.mark.parametrize(
    ("statements", "said"),
    [
        (
            "import pandas; pandas.DataFrame({'x': [0, os.getpid()]}).to_parquet(folder / 'a.parquet')",
            "a.parquet: row 1, column x: ",
        ),
        ("(folder / 'm.pickle').write_bytes(pickle.dumps({'c': [0, os.getpid()]}))", "m.pickle: model.c.1: "),
        ("import time; (folder / 'a.json').write_text(json.dumps({'t': time.time()}))", "a.json: t: "),
        ("(folder / str(os.getpid())).touch()", r" is in one of them only"),
        ("(folder / 'a.txt').write_text(os.sep.join(sys.argv[:1]))", "a.txt: byte "),
    ],
)
def test_what_depends_on_process_or_time_is_found_out(
    tiny: Layout,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    statements: str,
    said: str,
) -> None:
    _only(monkeypatch, "script", "call")
    _write(tiny, statements)
    code, content = _certificate(capsys, "count")
    assert (code, content["identical"]) == (1, False)
    (found,) = content["steps"][0]["differences"]  # type: ignore[index]
    assert (found["way"], found["against"]) == ("call", "script")
    assert found["what"].startswith("output result: ")
    assert said in found["what"]


def test_a_step_that_is_not_there_is_told_before_anything_runs(
    tiny: Layout, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["certify", "cuont"]) == 2
    assert "Did you mean 'count'?" in capsys.readouterr().err
    assert not Path(tiny.runs / "certificates").exists()
