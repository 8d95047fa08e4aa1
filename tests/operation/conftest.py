"""A small project that is only ever checked: ``faulty/good``, and each faulty case laid over it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from operation.engine.configuration.documents import read_document
from operation.engine.foundation.layout import Layout

FAULTY = Path(__file__).parent / "faulty"


@pytest.fixture
def good_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Layout:
    """Return the layout of a copy of the good project, in use, with no variable set from outside."""
    root = tmp_path / "project"
    shutil.copytree(FAULTY / "good", root)
    monkeypatch.setenv("WORKBENCH_ROOT", str(root))
    document, _ = read_document(root / "configuration" / "configuration-DEV.yml", "DEV")
    assert document
    for name in {*document.data["variables"], "STORAGEACCOUNT", "KEYVAULT"} & set(os.environ):
        monkeypatch.delenv(name)
    return Layout(root)


@pytest.fixture
def lay_over(good_project: Layout) -> Callable[[str], Layout]:
    """Return a function that lays a faulty case over the good project."""

    def lay(case: str) -> Layout:
        shutil.copytree(FAULTY / case, good_project.root, dirs_exist_ok=True)
        return good_project

    return lay


@pytest.fixture
def real_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Layout:
    """Return the layout of a copy of this repository, as far as a new use case needs it, in use."""
    root = tmp_path / "project"
    for folder in ("src", "configuration", "notebooks"):
        ignored = shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints", "*.partial-*")
        shutil.copytree(FAULTY.parents[2] / folder, root / folder, ignore=ignored)
    monkeypatch.setenv("WORKBENCH_ROOT", str(root))
    monkeypatch.delenv("ENVIRONMENT", raising=False)
    return Layout(root)
