"""A certificate says identical only where every way gave every byte."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from operation import cli
from operation.engine.evidence.certificate import certify, ways
from operation.engine.foundation.layout import Layout
from tests.operation.engine.conftest import write


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


@pytest.mark.parametrize(
    ("names", "name", "old", "new", "edited"),
    [
        (["call"], "src/words.py", "sum(1", "sum(2", "src/words.py: letters() changed"),
        (["call", "script"], "src/words.py", "sum(1", "sum(2", "src/words.py: letters() changed"),
        (["call"], "data/text.txt", "abc", "abcd", "input text has other content ("),
        (["call"], "data/beside.txt", "1", "2", "data/beside.txt changed"),
        (["call", "script"], "data/beside.txt", "1", "2", "data/beside.txt changed"),
    ],
    ids=["code", "code between two ways", "input", "opened unasked", "opened unasked, between two ways"],
)
def test_a_file_that_is_edited_meanwhile_is_named(
    tiny: Layout,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    names: list[str],
    name: str,
    old: str,
    new: str,
    edited: str,
) -> None:
    write(tiny, "data/beside.txt", "1")
    _write(tiny, f"open({str(tiny.root / 'data' / 'beside.txt')!r}).read()")
    last, file = ways.WAYS[names[-1]], tiny.root / name

    def edit_too(*words: Any) -> None:
        if len(names) == 1:
            last(*words)
        file.write_text(file.read_text().replace(old, new))
        if len(names) > 1:
            last(*words)

    chosen = {way: ways.WAYS[way] for way in names} | {names[-1]: edit_too}
    monkeypatch.setattr(certify, "WAYS", chosen)
    assert cli.main(["certify", "count"]) == 1
    said = capsys.readouterr().err
    assert said.startswith(f"error: {edited}")
    assert said.endswith(
        " while the steps were executed: what one way gave cannot be compared with what another gave. "
        "Rerun it.\n"
    )
