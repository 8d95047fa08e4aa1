"""``bench``: what it passes on and refuses, and a real measurement of a tiny project."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from operation import cli
from operation.commands import bench
from operation.engine.benchmarks.peers import LIST, LOCK, TOOLS, Peers, tool
from operation.engine.benchmarks.subjects import SUBJECTS
from operation.engine.errors import UsageError
from operation.engine.layout import Layout, project
from operation.setup import lockfile
from tests.operation.engine.conftest import build

REAL = project().root
QUICK = ["bench", "notebooks", "--quick", "--notebook", "01-count-letters"]


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Layout:
    """The tiny project of the engine's tests."""
    return build(tmp_path / "project", monkeypatch)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ["notebook"],
            "there is nothing called 'notebook' to measure. Did you mean 'notebooks'? There are notebooks, "
            "sweep, noop, render, run and all.",
        ),
        (
            ["sweep", "--grid", "factor"],
            "--grid factor: expected NAME=VALUE,VALUE, such as --grid learning_rate=0.05,0.1.",
        ),
        (
            ["sweep", "--grid", "a=1,,2"],
            "--grid a=1,,2: expected NAME=VALUE,VALUE, such as --grid learning_rate=0.05,0.1.",
        ),
        (
            ["sweep", "--grid", "a=1", "--points", "3"],
            "--points and --grid: give one of them; a grid has as many points as combinations.",
        ),
        (["--json", "no/f.json"], "--json no/f.json: there is no folder no. Make it, or name another."),
        (["--into", "README.md"], "--into README.md: cannot be made: File exists. Name another folder."),
        (["--peers"], "--peers: other tools take part anyway; it only says something beside --quick."),
        (
            ["--quick", "--notebook", "02-double-counts"],
            "--notebook 02-double-counts: the use case has no such notebook. Did you mean '02-double-count'? "
            "It has 01-count-letters and 02-double-count.",
        ),
        (
            ["render", "--quick", "--executed", "no.ipynb"],
            "--executed no.ipynb: there is no such file. Name an executed notebook (.ipynb).",
        ),
    ],
)
def test_what_cannot_be_measured_is_one_message(
    words: list[str],
    said: str,
    tiny: Layout,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(REAL)
    assert cli.main(["bench", *words]) == 2
    assert capsys.readouterr().err == f"error: {said}\n"
    assert [path for path in tiny.runs.rglob("*") if path.name != "bench"] == []


def test_an_unknown_contender_is_named_with_those_there_are(
    tiny: Layout, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["bench", "run", "--quick", "--only", "papermil"]) == 2
    assert capsys.readouterr().err == (
        "error: --only papermil: no contender's name begins so. There are 2 plain scripts in sequence and "
        "workbench run.\n"
    )


@pytest.mark.parametrize("text", ["0", "-1", "two"])
def test_rounds_are_counted_from_one(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["bench", "--rounds", text]) == 2
    assert "argument --rounds: " in capsys.readouterr().err


def test_all_are_the_subjects_there_are() -> None:
    assert set(bench._NAMES) == set(SUBJECTS)


def test_a_real_measurement_of_a_notebook(
    tiny: Layout, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    into, copy = tmp_path / "found", tmp_path / "copy.json"
    assert cli.main([*QUICK, "--into", str(into), "--json", str(copy)]) == 0
    said = capsys.readouterr().out
    assert "preparing, about 15 s" in said
    assert "1 round of 3 contenders, about " in said
    assert re.search(r"^  round 1 of 1: workbench run \d", said, re.MULTILINE)
    record = json.loads(copy.read_text(encoding="utf-8"))
    assert record == json.loads((into / "figures.json").read_text(encoding="utf-8"))
    rows = {row["name"]: row for row in record["comparisons"][0]["rows"]}
    assert list(rows) == ["plain script", "workbench run", "papermill --engine workbench"]
    assert rows["plain script"]["ratio"] == 1
    assert rows["workbench run"]["cells"] > 0
    assert rows["workbench run"]["kilobytes"] > 1
    assert {path.name for path in into.iterdir()} == {
        *("figures.json", "index.html", "notebooks.svg", "notebooks.png")
    }
    assert [path.name for path in (tiny.runs / "bench").iterdir()] == []  # no copy of the project is left


def test_a_real_measurement_of_renders(tiny: Layout, tmp_path: Path) -> None:
    executed = tiny.notebooks / "01-count-letters.ipynb"
    words = ["render", "--quick", "--executed", str(executed), "--into", str(tmp_path / "found")]
    assert cli.main(["bench", *words]) == 0
    warm, cold = json.loads((tmp_path / "found" / "figures.json").read_text(encoding="utf-8"))["comparisons"]
    ((ours,), (report,)) = warm["rows"], cold["rows"]
    assert (ours["name"], report["name"]) == ("workbench", "workbench report")
    assert ours["median"] > 0
    assert ours["kilobytes"] == report["kilobytes"] > 1
    assert not executed.with_suffix(".html").exists()


def test_a_contender_that_fails_ends_it_with_one_message(
    tiny: Layout, capsys: pytest.CaptureFixture[str]
) -> None:
    (tiny.src / "double.py").write_text(
        (tiny.src / "double.py").read_text(encoding="utf-8").replace("count * 2", "1 / 0"), encoding="utf-8"
    )
    assert cli.main(["bench", "run", "--quick", "--only", "workbench"]) == 1
    *said, last = capsys.readouterr().err.splitlines()
    assert said[0].startswith("error: 2 plain scripts in sequence: exit code 1 of: ")
    assert said[-1].endswith("ZeroDivisionError: division by zero")
    (left,) = (tiny.runs / "bench").iterdir()
    assert last == f"  The project as it was then: {tiny.relative(left)}"
    os.utime(left, (0, 0))
    assert cli.main(["bench", "run", "--quick", "--only", "nobody"]) == 2
    assert list((tiny.runs / "bench").iterdir()) == []


def test_a_real_measurement_of_a_sweep(tiny: Layout, tmp_path: Path) -> None:
    words = ["sweep", "--quick", "--notebook", "01-count-letters", "--grid", "factor=2,3"]
    assert cli.main(["bench", *words, "--only", "workbench", "--into", str(tmp_path / "found")]) == 0
    (sweep,) = json.loads((tmp_path / "found" / "figures.json").read_text(encoding="utf-8"))["comparisons"]
    assert [row["name"] for row in sweep["rows"]] == ["2 plain scripts, 2 at once", "workbench sweep"]
    assert sweep["rows"][1]["kilobytes"] > 1


@pytest.mark.skipif(os.name == "nt", reason="Windows has no signals to be caught")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_who_is_interrupted_leaves_nothing(tiny: Layout, number: int) -> None:
    command = [sys.executable, "-X", "workbench", "-m", "operation", "bench", "noop", "--quick"]
    with subprocess.Popen(
        command, cwd=REAL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        while "preparing" not in child.stdout.readline():
            assert child.poll() is None
        while not list(tiny.runs.glob("bench/work-*/noop/project/runs")):
            assert child.poll() is None
            time.sleep(0.02)
        child.send_signal(number)
        _, said = child.communicate()
    assert (child.returncode, said) == (130, "interrupted\n")
    assert list((tiny.runs / "bench").iterdir()) == []


def test_the_peers_have_the_versions_of_the_project_and_hashes() -> None:
    locked, ours = lockfile.versions(LOCK), lockfile.versions(REAL / "requirements.lock")
    assert {
        name: sorted(found) for name, found in locked.items() if name in ours and found != ours[name]
    } == {}
    assert set(TOOLS) <= set(locked)
    assert [text for text in lockfile.entries(LOCK) if "--hash=sha256:" not in text] == []
    assert "://" not in LOCK.read_text(encoding="utf-8")
    wanted = [line for line in LIST.read_text(encoding="utf-8").splitlines() if line and line[0] != "#"]
    assert set(wanted) <= set(locked)


def test_versions_that_cannot_be_resolved_leave_the_old(
    tiny: Layout, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    before = LOCK.read_bytes()
    assert cli.main(["bench", "--lock"]) == 1
    assert "peers.in cannot be resolved:\n" in capsys.readouterr().err
    assert LOCK.read_bytes() == before


def test_a_tool_that_is_missing_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        tool(tmp_path, "dvc")
    assert str(caught.value) == (
        f"{tmp_path} holds no dvc. Remove the environment, and the next call makes it anew."
    )


@pytest.fixture
def peers(tiny: Layout) -> Iterator[Peers]:
    """The peers' environment: 1.1 GB, half a minute; made in CI, elsewhere that which is there."""
    own, made = Peers(tiny), Peers(Layout(REAL))
    if os.environ.get("CI") == "true":
        own.make(print)
    elif made.ready():
        own.venv.parent.mkdir(parents=True)
        own.venv.symlink_to(made.venv, target_is_directory=True)
    else:
        pytest.skip("the peers' environment is not there: python3 -m operation bench makes it")
    yield own
    own.venv.unlink() if own.venv.is_symlink() else shutil.rmtree(own.venv)


def test_real_peers_in_an_environment_of_their_own(tiny: Layout, peers: Peers, tmp_path: Path) -> None:
    assert peers.ready()
    stamp = peers.venv / "workbench.json"
    before = stamp.stat().st_mtime_ns
    words = ["noop", "notebooks", "--quick", "--peers", "--notebook", "01-count-letters"]
    kept = ["--only", "workbench", "doit", "dvc", "pytest"]
    assert cli.main(["bench", *words, *kept, "--into", str(tmp_path / "found")]) == 0
    noop, notebooks = json.loads((tmp_path / "found" / "figures.json").read_text(encoding="utf-8"))[
        "comparisons"
    ]
    assert [row["name"] for row in noop["rows"]] == ["python3 -c pass", "workbench run", "doit", "dvc repro"]
    assert stamp.stat().st_mtime_ns == before  # what fits is used again
    names = [row["name"] for row in notebooks["rows"]]
    assert names == ["plain script", "workbench run", "pytest --nbmake"]
