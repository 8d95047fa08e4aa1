"""A failure of one project, replayed in another."""

from __future__ import annotations

import json
import os
import platform
import shutil
import sqlite3
import subprocess
from collections.abc import Mapping
from contextlib import closing
from importlib.metadata import version
from pathlib import Path
from textwrap import dedent

import pytest

from operation import cli
from operation.commands import replay as replay_command
from operation.engine.evidence.capsule.differs import differs_here
from operation.engine.evidence.capsule.live import live
from operation.engine.evidence.capsule.replay import Replay, check
from operation.engine.evidence.capsule.script import command
from operation.engine.evidence.capsule.unpack import Capsule, read_capsule, restore, run_folder, steps
from operation.engine.foundation.errors import UsageError
from operation.engine.foundation.layout import Layout
from operation.engine.runs.request import Request, prepare
from operation.engine.runs.run import start
from tests.operation.engine.conftest import build, notebook, write
from tests.operation.engine.evidence.capsule.conftest import Failed

AGREED = ["--yes", "--pass", "LEAKY_API_KEY"]


def _replay(failed: Failed, clone: Layout) -> Replay:
    capsule = read_capsule(failed.capsule)
    return Replay(capsule, restore(capsule, clone.runs), ["LEAKY_API_KEY"])


def _line(failed: Failed) -> int:
    lines = (failed.layout.src / "double.py").read_text(encoding="utf-8").splitlines()
    return 1 + next(index for index, line in enumerate(lines) if "raise ValueError" in line)


def test_check_reproduces_type_and_line(
    failed: Failed, clone: Layout, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["replay", str(failed.capsule), "--check", "--json", *AGREED]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["reproduced"]
    place = {"type": "ValueError", "file": "src/double.py", "line": _line(failed)}
    assert {name: said["found"][name] for name in place} == place
    assert said["in"] == 6
    assert "src/double.py: main() changed" in said["differences"]
    assert Path(said["project"]).is_relative_to(clone.runs / "replays")
    records = steps(Path(said["project"]) / "runs" / "check", "02-double-count")
    assert [(one["step"], one["how"]) for one in records] == [("count", "reused"), ("double", "failed")]


OUTSIDE = """
    import os, sqlite3
    from pathlib import Path
    base = Path(os.environ["ENVIRONMENT"].replace("DEV", {folder!r}))
    found = [(base / f"{{'one'}}.txt").read_text()]
    found += [part.read_text() for part in sorted(base.glob("parts/**/*.csv"))]
    found += [open("/".join(["..", "..", "outside", "one.txt"])).read()]
    found += [sqlite3.connect(base / "rows.db").execute("select x from t").fetchone()[0]]
    found += [str((base / "one.txt").exists()), str(base.is_dir())]
"""


def test_files_from_outside_are_the_copies_whatever_path_leads_to_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clone: Layout
) -> None:
    layout, outside = build(tmp_path / "project", monkeypatch), Layout(tmp_path / "outside")
    for name in ("one.txt", "parts/a.csv", "parts/deeper/b.csv", "parts/unread.txt"):
        write(outside, name, f"text of {name}")
    with closing(sqlite3.connect(outside.root / "rows.db")) as rows, rows:
        rows.execute("create table t as select 'row' as x")
    monkeypatch.setenv("ENVIRONMENT", "DEV")
    cells = [OUTSIDE.format(folder=str(outside.root)), "\nopen('/'.join([*found, 'missing']))"]
    book = notebook('use_case: str = "tiny"\nenvironment: str = "DEV"', *map(dedent, cells))
    write(layout, "notebooks/01-count-letters.ipynb", json.dumps(book))
    start(layout, prepare(layout, Request(notebooks=["01-count-letters"])), lambda *_: None)
    (capsule,) = layout.runs.glob("2*/capsule.zip")
    shutil.rmtree(outside.root)
    monkeypatch.setenv("WORKBENCH_ROOT", str(clone.root))
    content = read_capsule(capsule)
    assert content.content["left_out"] == [
        {
            "member": f"{outside.root}/parts/",
            "bytes": 24,
            "reason": "listed, but not opened: 1 of its files",
        }
    ]
    result = check(Replay(content, restore(content, clone.runs)))
    texts = ["text of one.txt", "text of parts/a.csv", "text of parts/deeper/b.csv", "text of one.txt", "row"]
    path = "/".join([*texts, "True", "True", "missing"])
    assert result["expected"]["message"] == f"[Errno 2] No such file or directory: '{path}'"
    assert (result["reproduced"], result["found"]["line"]) == (True, 1)


def test_script_gives_the_failing_step_to_the_debugger(failed: Failed, clone: Layout) -> None:
    replay = _replay(failed, clone)
    words = command(replay)
    assert words[1:5] == ["-m", "pdb", "-c", "continue"]
    done = subprocess.run(
        words, input="p count\n", env=replay.variables("script"), capture_output=True, text=True, check=False
    )
    assert "ValueError: denied for another value here" in done.stderr + done.stdout
    assert "(Pdb) 10.0" in done.stdout


@pytest.mark.skipif(
    os.name == "nt", reason="the browser's way is the same; the server is slow to start there"
)
def test_a_live_session_stands_before_the_failing_cell(failed: Failed, clone: Layout) -> None:
    replay = _replay(failed, clone)
    with live(replay) as session:
        (found,) = session.server.call("GET", "sessions")
        assert (found["path"], found["kernel"]["id"]) == ("notebooks/02-double-count.ipynb", session.kernel)
        (reply,) = session.server.execute(session.kernel, ["assert kept == 41\nassert leaks"])
        assert reply["status"] == "ok"
        assert reply["execution_count"] == replay.prompt == 6
        assert session.stopped == ""


def _restored(layout: Layout, error: Mapping[str, object], *cells: str) -> Replay:
    """Return a replay of a notebook whose last cell failed with `error`, as if it had been restored."""
    document = notebook("x = 1", *cells)
    document["cells"][-1]["metadata"]["papermill"] = {"exception": True}
    write(layout, "failed-run/notebooks/01-book.ipynb", json.dumps(document))
    write(layout, "notebooks/core.py", "")
    content = {"error": {"notebook": "01-book", "message": "", **error}, "given": {}, "variables": []}
    content |= {"moved": {}, "root": "/elsewhere", "store": "/elsewhere/runs/store"}
    return Replay(Capsule(layout.root / "capsule.zip", content), layout)


@pytest.mark.parametrize(
    ("cells", "kind", "line", "verdict"),
    [
        (["y = 2", "z = 3\nopen('gone.csv')"], "FileNotFoundError", 2, "reproduced: FileNotFoundError at "),
        (["import os", "os._exit(9)"], "DeadKernelError", None, "reproduced: DeadKernelError at "),
        (
            ["1 / 0", "2 / 0"],
            "ZeroDivisionError",
            1,
            "not reproduced: expected ZeroDivisionError at notebooks/01-book.ipynb:1, found Zero",
        ),
    ],
    ids=["missing file", "killed kernel", "an earlier cell"],
)
def test_errors_of_cells(clone: Layout, cells: list[str], kind: str, line: int | None, verdict: str) -> None:
    error = {"type": kind, "file": "notebooks/01-book.ipynb", "line": line}
    assert replay_command.verdict(check(_restored(clone, error, *cells))).startswith(verdict)


@pytest.mark.parametrize(
    ("message", "is_same"),
    [
        ("no /elsewhere/data.csv at 0x7f00", True),
        ("no /elsewhere/other.csv at 0x7f00", False),
        ("", True),
    ],
    ids=["moved", "another message", "unknown"],
)
def test_the_message_counts(clone: Layout, message: str, is_same: bool) -> None:
    error = {"type": "ValueError", "file": "notebooks/01-book.ipynb", "line": 1, "message": message}
    code = f"raise ValueError('no {clone.root.as_posix()}/data.csv at 0x55aa')"
    result = check(_restored(clone, error, code))
    assert result["reproduced"] is is_same
    if not is_same:
        assert replay_command.verdict(result).startswith(
            "not reproduced: ValueError at notebooks/01-book.ipynb:1, with another message: 'no "
        )


def test_the_engine_and_the_limits_of_the_run_hold(clone: Layout) -> None:
    error = {"type": "CellTimeoutError", "file": "notebooks/01-book.ipynb", "line": None}
    endless = _restored(clone, error, "while True: pass")
    command = "python3 -m operation run --engine nbclient --cell-seconds 1"
    content = {**endless.capsule.content, "command": command}
    assert check(Replay(Capsule(endless.capsule.path, content), clone))["reproduced"]


def test_a_changed_package_is_told(failed: Failed, clone: Layout) -> None:
    capsule = read_capsule(failed.capsule)
    older = {**capsule.content, "python": "3.11.1", "commit": "0" * 40, "dirty": True}
    older["packages"] = {"one": None, "papermill": None, "pytest": "1.0"}
    replay = Replay(Capsule(failed.capsule, older), restore(capsule, clone.runs))
    said = differs_here(replay, clone)
    assert said[:2] == [
        "commit: 000000000000 -> no commit",
        "it ran with changes that are not in its commit; the capsule has them",
    ]
    assert said[-3:] == [
        f"package papermill: not there -> {version('papermill')}",
        f"package pytest: 1.0 -> {pytest.__version__}",
        f"python: 3.11.1 -> {platform.python_version()}",
    ]


def test_a_step_error_stops_before_its_line(failed: Failed, clone: Layout) -> None:
    layout = restore(read_capsule(failed.capsule), clone.runs)
    for file in (run_folder(layout) / "steps").glob("*-double.json"):
        record = json.loads(file.read_text(encoding="utf-8"))
        record["error"]["type"] = "StepError"
        file.write_text(json.dumps(record), encoding="utf-8")
    words = command(Replay(read_capsule(failed.capsule), layout))
    assert words[3:7] == ["-c", f"break {layout.src / 'double.py'}:{_line(failed)}", "-c", "continue"]


def test_script_needs_a_step_that_failed(failed: Failed, clone: Layout) -> None:
    layout = restore(read_capsule(failed.capsule), clone.runs)
    for file in (run_folder(layout) / "steps").glob("*-double.json"):
        file.unlink()
    with pytest.raises(UsageError) as caught:
        command(Replay(read_capsule(failed.capsule), layout))
    assert str(caught.value) == (
        "--script: no step failed, the mistake is in a cell of 02-double-count. Replay it without --script."
    )
