"""``version`` says what is running."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import time
from pathlib import Path

import pytest

from operation import cli
from operation.commands.version import facts
from operation.engine.foundation.layout import Layout, project
from operation.engine.identity.packages import whole_lock


def test_facts_of_this_checkout() -> None:
    found = facts(project())
    assert found["workbench"] == "0.1.0"
    assert found["python"] == platform.python_version()
    assert found["lock"] == whole_lock(project().lock).digest
    assert found["environment"] == sys.prefix


def test_facts_of_a_repository(tmp_path: Path) -> None:
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org"]
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    subprocess.run([*git, "commit", "--quiet", "--allow-empty", "-m", "start"], cwd=tmp_path, check=True)
    clean = facts(Layout(tmp_path))
    assert len(str(clean["commit"])) == 40
    assert (clean["dirty"], clean["lock"]) == (False, None)
    (tmp_path / "file").touch()
    assert facts(Layout(tmp_path))["dirty"] is True


def test_outside_git_the_commit_is_unknown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WORKBENCH_ROOT", str(tmp_path))
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert cli.main(["version"]) == 0
    shown = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines())
    assert (shown["commit"], shown["dirty"], shown["lock"]) == ("unknown", "unknown", "unknown")
    assert cli.main(["version", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["commit"] is None


@pytest.mark.parametrize("word", ["version", "--help"])
def test_answers_at_once(word: str) -> None:
    """Processor time: other tests are at work on the same computer."""
    command = [sys.executable, "-m", "operation", word]
    assert min(_seconds(command) for _ in range(3)) < 0.3


def _seconds(command: list[str]) -> float:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    before = os.times()
    begin = time.perf_counter()
    subprocess.run(command, cwd=project().root, env=environment, capture_output=True, check=True)
    after = os.times()
    if os.name == "nt":  # where the times of children are not told
        return time.perf_counter() - begin
    return after.children_user + after.children_system - before.children_user - before.children_system
