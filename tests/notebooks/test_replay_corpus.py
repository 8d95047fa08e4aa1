"""Failures of the real use case arise again, of the same kind at the same line, in another clone.

``WORKBENCH_CORPUS=25 python3 -m operation test tests/notebooks/test_replay_corpus.py -s`` breaks the
use case in all of the ways there are and prints a table; by default it does so in one.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.notebooks.conftest import copy_project, surroundings
from tests.notebooks.corpus import FAILURES, Failure

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="limits and signals of POSIX")
CHOSEN = list(FAILURES)[: int(os.environ.get("WORKBENCH_CORPUS", "1"))]


@pytest.mark.parametrize("use_case", ["flights"])
@pytest.mark.parametrize("name", CHOSEN)
def test_a_failure_arises_again_in_another_clone(
    checkout: Path, manifest: dict[str, Any], tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert manifest["status"] == "succeeded"
    capsule = _fail(checkout, tmp_path / "broken", FAILURES[name])
    clone = copy_project(checkout, tmp_path / "clone")
    said = json.loads(_operation(clone, {}, "replay", str(capsule), "--check", "--json", "--yes").stdout)
    with capsys.disabled():
        row = [
            name,
            said["expected"]["type"],
            f"{said['seconds']:.1f} s",
            f"{capsule.stat().st_size / 1e6:.1f} MB",
        ]
        print("\n| " + " | ".join([*row, _live(clone, capsule)]) + " |", end="")
    assert said["reproduced"], said


def _fail(checkout: Path, root: Path, failure: Failure) -> Path:
    """Fail in a copy that has the store of a good run, and leave of it nothing but the capsule."""
    copy_project(checkout, root)
    shutil.copytree(checkout / "runs" / "store", root / "runs" / "store")
    failure.broken(root)
    done = _operation(root, failure.environment, "run", *failure.words)
    assert done.returncode == 1, done.stdout + done.stderr
    (capsule,) = root.glob("runs/2*/capsule.zip")
    kept = capsule.rename(root.with_suffix(".zip"))
    shutil.rmtree(root)
    return kept


def _live(clone: Path, capsule: Path) -> str:
    """Open a live session as a person does, and say when it stood before the failing cell."""
    if "WORKBENCH_CORPUS" not in os.environ:
        return ""
    began = time.monotonic()
    words = [sys.executable, "-m", "operation", "replay", str(capsule), "--no-browser", "--json", "--yes"]
    with subprocess.Popen(words, cwd=clone, env=surroundings(), stdout=subprocess.PIPE, text=True) as session:
        assert session.stdout
        stopped = json.loads(session.stdout.readline())["stopped"]
        seconds = time.monotonic() - began
        session.terminate()
    return f"live in {seconds:.1f} s: {stopped}"


def _operation(root: Path, environment: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "operation", *words],
        cwd=root,
        env={**surroundings(), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
