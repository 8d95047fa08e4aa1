"""``version`` says what is running."""

from __future__ import annotations

import json
import platform
import subprocess
import sys
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
def test_nothing_heavy_is_imported_for_an_answer(word: str) -> None:
    code = f"""if True:
        import sys
        from operation import cli
        try:
            cli.main([{word!r}])
        except SystemExit:
            pass
        heavy = "numpy pandas pyarrow sklearn scipy matplotlib mlflow papermill nbformat pydantic yaml jinja2"
        print(sorted(set(heavy.split()) & set(sys.modules)))
    """
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=project().root, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
