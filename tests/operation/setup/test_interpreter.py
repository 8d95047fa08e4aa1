"""The wrong Python: found out at once, said in one message, and helped where a right one exists."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from operation.setup.errors import SetupError
from operation.setup.interpreter import better_python, find_wanted

from .conftest import ROOT, Project, base_python

BEFORE = [
    ROOT / "operation" / "__main__.py",
    ROOT / "operation" / "cli.py",
    ROOT / "operation" / "__init__.py",
]
OTHERS = ("python3.8", "python3.9", "python3.10", "python3.12", "python3.13", "python3.14")


def test_right_version_needs_no_other() -> None:
    assert better_python((3, 11, 9), find=lambda: Path("never asked")) is None


def test_wrong_version_goes_on_with_the_one_that_is_found(capsys: pytest.CaptureFixture[str]) -> None:
    assert better_python((3, 8, 18), find=lambda: Path("/usr/bin/python3.11")) == Path("/usr/bin/python3.11")
    said = f"This is Python 3.8.18; going on with Python 3.11, {Path('/usr/bin/python3.11')}.\n"
    assert capsys.readouterr().err == said


def test_wrong_version_and_no_other_is_one_message() -> None:
    with pytest.raises(SetupError) as caught:
        better_python((3, 13, 0), find=lambda: None)
    assert str(caught.value) == (
        f"the workbench needs Python 3.11 and this is Python 3.13.0 ({sys.executable}). "
        "No python3.11 is on PATH: install it (python.org, `apt install python3.11`, "
        "`brew install python@3.11`, `winget install Python.Python.3.11`, "
        "`conda env create -f environment.yml`) "
        "and run the same command again."
    )


@pytest.mark.skipif(os.name == "nt", reason="the shim is a script")
def test_shim_that_does_not_start_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shim = tmp_path / "python3.11"
    shim.write_text("#!/bin/sh\necho 'version not installed' >&2\nexit 127\n", encoding="utf-8")
    shim.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_wanted() is None
    monkeypatch.setenv("PATH", os.pathsep.join([str(tmp_path), str(Path(base_python()).parent)]))
    found = find_wanted()
    assert found is not None
    assert found.parent != tmp_path


@pytest.mark.parametrize("file", [*BEFORE, *sorted((ROOT / "operation" / "setup").glob("*.py"))], ids=str)
def test_what_runs_before_the_environment_is_readable_by_python_38(file: Path) -> None:
    ast.parse(file.read_text(encoding="utf-8"), feature_version=(3, 8))


def test_a_real_other_python_says_so(project: Project, tmp_path: Path) -> None:
    installed = (Path.home() / ".pyenv" / "versions").glob("3.[89].*/bin/python3")
    other = next(filter(None, map(_starting, [*OTHERS, *map(str, installed)])), None)
    if other is None:
        pytest.skip(f"neither is one of {', '.join(OTHERS)} on PATH nor has pyenv another")
    (project.root / "requirements.lock").touch()
    answer = project.call("version", python=other, PATH=str(tmp_path))
    assert answer.returncode == 1
    assert answer.stderr.startswith("error: the workbench needs Python 3.11 and this is Python 3.")
    assert len(answer.stderr.splitlines()) == 1
    assert project.call("--help", python=other, PATH=str(tmp_path)).returncode == 0


def _starting(name: str) -> str | None:
    path = shutil.which(name)
    if path is None:
        return None
    words = [path, "-c", "import sys; print(sys.executable)"]  # the shim of a version manager may not start
    answer = subprocess.run(words, capture_output=True, encoding="utf-8", check=False)
    return answer.stdout.strip() if answer.returncode == 0 else None
