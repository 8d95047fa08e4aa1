"""The wrong Python: found out at once, said in one message, and helped where a right one exists."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from operation.setup.python_version import SetupError, find_python, right_python

from .conftest import ROOT, Project, base_python

BEFORE = [
    ROOT / "operation" / name
    for name in ("__main__.py", "__init__.py", "setup/__init__.py", "setup/python_version.py")
]
OTHERS = ("python3.8", "python3.9", "python3.10", "python3.12", "python3.13", "python3.14")


def test_right_version_needs_no_other() -> None:
    assert right_python((3, 11, 9)) is None


def test_wrong_version_continues_with_the_one_that_is_found(capsys: pytest.CaptureFixture[str]) -> None:
    found = right_python((3, 8, 18))
    assert found == find_python()
    assert capsys.readouterr().err == f"This is Python 3.8.18; continuing with Python 3.11, {found}.\n"


def test_wrong_version_and_no_other_is_one_message(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SetupError) as caught:
        right_python((3, 13, 0))
    assert str(caught.value) == (
        f"the workbench needs Python 3.11 and this is Python 3.13.0 ({sys.executable}). "
        "No python3.11 is on PATH. Install it (python.org, `apt install python3.11`, "
        "`brew install python@3.11`, `winget install Python.Python.3.11`, "
        "`conda env create -f environment.yml`), then rerun."
    )


@pytest.mark.skipif(os.name == "nt", reason="the shim is a script")
def test_shim_that_does_not_start_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shim = tmp_path / "python3.11"
    shim.write_text("#!/bin/sh\necho 'version not installed' >&2\nexit 127\n", encoding="utf-8")
    shim.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_python() is None
    monkeypatch.setenv("PATH", os.pathsep.join([str(tmp_path), str(Path(base_python()).parent)]))
    found = find_python()
    assert found is not None
    assert Path(found).parent != tmp_path


@pytest.mark.parametrize("file", BEFORE, ids=str)
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


def _starting(name: str) -> str | None:
    path = shutil.which(name)
    if path is None:
        return None
    words = [path, "-c", "import sys; print(sys.executable)"]  # the shim of a version manager may not start
    answer = subprocess.run(words, capture_output=True, encoding="utf-8", check=False)
    return answer.stdout.strip() if answer.returncode == 0 else None
