"""A copy of the checkout with runs of its own, used as a person would use it."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from operation.engine.layout import project

PARTS = ["src", "notebooks", "configuration", "operation"]
FILES = ["requirements.lock", "environment.yml", "pyproject.toml"]


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """A folder that all workers of this session share."""
    base = tmp_path_factory.getbasetemp()
    return base if worker_id == "master" else base.parent


@contextmanager
def alone(folder: Path, name: str) -> Iterator[None]:
    """Be the only worker that does `name`; the others wait."""
    with closing(sqlite3.connect(folder / f"{name}.lock", timeout=600, isolation_level=None)) as lock:
        lock.execute("BEGIN EXCLUSIVE")
        yield


@pytest.fixture(scope="session")
def checkout(shared: Path) -> Path:
    """The project's files in a new folder; the environment is this one."""
    root = shared / "checkout"
    ignored = shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints")
    with alone(shared, "checkout"):
        if not root.exists():
            for part in PARTS:
                shutil.copytree(project().root / part, root / part, ignore=ignored)
            for file in FILES:
                shutil.copy(project().root / file, root / file)
    return root


def surroundings() -> dict[str, str]:
    """The environment of a child: this Python, and nothing that names this checkout."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("WORKBENCH_", "PYTEST_"))
    }
    kept.pop("PYTHONPATH", None)
    return {**kept, "WORKBENCH_PYTHON": "current"}


def operation(checkout: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run ``python3 -m operation`` in the copy."""
    return subprocess.run(
        [sys.executable, "-m", "operation", *words],
        cwd=checkout,
        env=surroundings(),
        capture_output=True,
        text=True,
        check=False,
    )
