"""A failure of one project, replayed in another."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from operation import cli
from operation.engine.capsule.live import live
from operation.engine.capsule.replay import Replay
from operation.engine.capsule.script import command
from operation.engine.capsule.unpack import read_capsule, restore
from operation.engine.layout import Layout
from tests.operation.engine.capsule.conftest import Failed


def _line(failed: Failed) -> int:
    lines = (failed.layout.src / "double.py").read_text(encoding="utf-8").splitlines()
    return 1 + next(index for index, line in enumerate(lines) if "raise ValueError" in line)


def test_check_reproduces_type_and_line(
    failed: Failed, clone: Layout, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["replay", str(failed.capsule), "--check", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["reproduced"]
    place = {"type": "ValueError", "file": "src/double.py", "line": _line(failed)}
    assert {name: said["found"][name] for name in place} == place
    assert said["in"] == 6
    assert "src/double.py: main() changed" in said["differences"]
    assert Path(said["project"]).is_relative_to(clone.runs / "replays")


def test_script_gives_the_failing_step_to_the_debugger(failed: Failed, clone: Layout) -> None:
    replay = Replay(read_capsule(failed.capsule), restore(read_capsule(failed.capsule), clone.runs))
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
    replay = Replay(read_capsule(failed.capsule), restore(read_capsule(failed.capsule), clone.runs))
    with live(replay) as session:
        (found,) = session.server.call("GET", "sessions")
        assert (found["path"], found["kernel"]["id"]) == ("notebooks/02-double-count.ipynb", session.kernel)
        (reply,) = session.server.execute(session.kernel, ["assert kept == 41\nassert leaks"])
        assert reply["status"] == "ok"
        assert reply["execution_count"] == replay.prompt == 6
        assert session.stopped == ""
