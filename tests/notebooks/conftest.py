"""A copy of the checkout with runs of its own, used as a person would use it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from operation.engine.layout import project

PARTS = ["src", "notebooks", "configuration", "operation"]
FILES = ["requirements.lock", "environment.yml", "pyproject.toml"]


@pytest.fixture(scope="session")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's files in a new folder; the environment is this one."""
    root = tmp_path_factory.mktemp("checkout")
    ignored = shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints")
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
