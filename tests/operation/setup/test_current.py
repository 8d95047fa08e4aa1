"""An environment that a person activated is used as it is, when it holds what environment.yml pins."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from operation.setup.activated import CHOICE, is_activated
from operation.setup.python_version import SetupError

from .conftest import ROOT, Project

PIN = "dependencies:\n  - python=3.11\n  - pip:\n      - "


@pytest.fixture(autouse=True)
def _no_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(CHOICE, raising=False)


@pytest.fixture
def conda(tmp_path: Path) -> str:
    (tmp_path / "conda" / "conda-meta").mkdir(parents=True)
    return str(tmp_path / "conda")


def checkout_with(tmp_path: Path, pin: str) -> Path:
    (tmp_path / "environment.yml").write_text(PIN + pin + "\n", encoding="utf-8")
    return tmp_path


def test_conda_environment_with_the_pins_is_used(conda: str) -> None:
    assert is_activated(ROOT, prefix=conda)


def test_ordinary_python_is_not_used(tmp_path: Path) -> None:
    assert not is_activated(ROOT, prefix=str(tmp_path))


def test_base_of_conda_is_not_a_project_environment(conda: str) -> None:
    (Path(conda) / "condabin").mkdir()
    assert not is_activated(ROOT, prefix=conda)


def test_differences_are_listed_in_one_message(conda: str, tmp_path: Path) -> None:
    checkout = checkout_with(tmp_path, "pytest==0.1\n      - no-such-package==2.0")
    with pytest.raises(SetupError) as caught:
        is_activated(checkout, prefix=conda)
    assert str(caught.value) == (
        f"this Python ({conda}) does not hold what environment.yml pins:\n"
        f"pytest is {pytest.__version__}, environment.yml says 0.1\n"
        "no-such-package is missing, environment.yml says 2.0\n"
        "Fix it with `conda env update --file environment.yml --prune`, "
        "or set WORKBENCH_PYTHON=venv to have .venv made and used instead."
    ).replace("\npytest", "\n  pytest").replace("\nno-such", "\n  no-such")


def test_choice_of_the_person_wins(conda: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checkout = checkout_with(tmp_path, f"pytest=={pytest.__version__}")
    monkeypatch.setenv(CHOICE, "current")
    assert is_activated(checkout, prefix=str(tmp_path))
    monkeypatch.setenv(CHOICE, "venv")
    assert not is_activated(checkout, prefix=conda)


def test_unknown_choice_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CHOICE, "conda")
    said = "WORKBENCH_PYTHON is 'conda'\\. Set it to 'current' or 'venv', or leave it unset."
    with pytest.raises(SetupError, match=said):
        is_activated(ROOT)


def test_real_call_in_the_current_python(project: Project) -> None:
    (project.root / "environment.yml").write_text(f"{PIN}pytest=={pytest.__version__}\n", encoding="utf-8")
    answer = project.call("version", python=sys.executable, WORKBENCH_PYTHON="current")
    assert answer.returncode == 0, answer.stderr
    assert not (project.root / ".venv").exists()


@pytest.mark.skipif(os.name == "nt", reason="needs a symbolic link")
def test_real_call_in_a_folder_that_looks_like_conda(project: Project, tmp_path: Path) -> None:
    """A virtual environment with a folder conda-meta is all that is asked about."""
    prefix = tmp_path / "conda"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(prefix)], check=True)
    (prefix / "conda-meta").mkdir()
    (project.root / "environment.yml").write_text(f"{PIN}pandas==2.3.3\n", encoding="utf-8")
    answer = project.call("version", python=str(prefix / "bin" / "python"), WORKBENCH_PYTHON="")
    assert answer.returncode == 1
    assert "pandas is missing, environment.yml says 2.3.3" in answer.stderr
