"""``test`` runs the five checks, in a tiny project that passes or fails them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from operation.engine.foundation.layout import project

CONFIGURATION = """
[tool.mypy]
strict = true
files = ["code.py"]
[tool.importlinter]
root_package = "package"
[[tool.importlinter.contracts]]
name = "the upper may import the lower"
type = "layers"
layers = ["package.upper", "package.lower"]
[tool.pytest.ini_options]
testpaths = ["."]
"""
CODE = """\"\"\"A module.\"\"\"


def double(value: int) -> int:
    \"\"\"Return twice `value`.\"\"\"
    return 2 * value
"""
TEST = """def test_one() -> None:
    assert 2 * 3 == 6
"""


def call(root: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-X", "workbench", "-m", "operation", "test", "--workers", "1", *words],
        cwd=project().root,
        env={
            **os.environ,
            "WORKBENCH_ROOT": str(root),
            "MYPY_CACHE_DIR": os.devnull,
            "PYTEST_DEBUG_TEMPROOT": str(root),
        },
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    (tmp_path / "package").mkdir()
    files = {"pyproject.toml": CONFIGURATION, "code.py": CODE, "test_code.py": TEST}
    files |= {f"package/{name}.py": '"""A module."""\n' for name in ("__init__", "upper", "lower")}
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def test_all_pass(tiny: Path) -> None:
    answer = call(tiny)
    assert answer.returncode == 0, answer.stdout
    said = [line.split(",")[0] for line in answer.stdout.splitlines()]
    assert [line for line in said if line.endswith(" passed")] == [
        "ruff check   passed",
        "ruff format  passed",
        "imports      passed",
        "mypy         passed",
    ]
    assert sum(" 1 passed in " in line for line in said) == 1


def test_each_failure_is_named_and_the_others_still_run(tiny: Path) -> None:
    """The words go to pytest, which finds no such test: that is a failure too."""
    (tiny / "code.py").write_text("import os\ndef double(value): return 2*value\n", encoding="utf-8")
    (tiny / "package" / "lower.py").write_text("import package.upper\n", encoding="utf-8")
    answer = call(tiny, "-k", "nothing_of_that_name")
    assert answer.returncode == 1
    *lines, last = answer.stdout.splitlines()
    assert last == "failed: ruff check, ruff format, imports, mypy, pytest"
    assert sum(" no tests ran in " in line for line in lines) == 1
