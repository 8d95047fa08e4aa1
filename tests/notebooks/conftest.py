"""A copy of the checkout with runs of its own, used as a person would use it."""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from operation.engine.foundation.layout import project

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


def copy_project(source: Path, target: Path) -> Path:
    """Copy the project's files, not what running left, to a new folder."""
    ignored = shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints")
    for part in PARTS:
        shutil.copytree(source / part, target / part, ignore=ignored)
    for file in FILES:
        shutil.copy(source / file, target / file)
    return target


@pytest.fixture(scope="session")
def checkout(shared: Path) -> Path:
    """The project's files in a new folder; the environment is this one."""
    root = shared / "checkout"
    with alone(shared, "checkout"):
        if not root.exists():
            copy_project(project().root, root)
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


def run(checkout: Path, *words: str) -> dict[str, Any]:
    """Run in the copy and return the manifest."""
    done = operation(checkout, "run", *words)
    assert done.returncode == 0, done.stdout + done.stderr
    report = re.findall(r"^report: (.*)$", done.stdout, re.MULTILINE)[0]
    content: dict[str, Any] = json.loads(
        (checkout / report).with_name("manifest.json").read_text(encoding="utf-8")
    )
    return content


def good_run(checkout: Path, shared: Path, use_case: str) -> dict[str, Any]:
    """Return the manifest of one run of the whole use case, made once for all workers."""
    kept = shared / f"{use_case}.json"
    with alone(shared, use_case):
        if not kept.exists():
            kept.write_text(json.dumps(run(checkout, "--use-case", use_case)), encoding="utf-8")
    content: dict[str, Any] = json.loads(kept.read_text(encoding="utf-8"))
    return content


@pytest.fixture
def manifest(checkout: Path, shared: Path, use_case: str) -> dict[str, Any]:
    """The manifest of one run of the whole use case, shared by all workers."""
    return good_run(checkout, shared, use_case)
