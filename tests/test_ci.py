"""CI runs what a person runs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
SCRIPT = ROOT / ".ci" / "run"
WORKFLOW = ROOT / ".github" / "workflows" / "ci.yml"


def test_workflow_is_valid() -> None:
    words = ["check_jsonschema", "--builtin-schema", "vendor.github-workflows", str(WORKFLOW)]
    done = subprocess.run([sys.executable, "-m", *words], capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_workflow_runs_the_tests_on_three_systems() -> None:
    job = yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))["jobs"]["test"]
    assert job["strategy"]["matrix"]["system"] == ["ubuntu-latest", "windows-latest", "macos-latest"]
    assert any(str(step.get("run")).startswith("python -m operation test") for step in job["steps"])


def test_workflow_and_script_install_the_same_blob_server() -> None:
    found = [re.search(r"azurite@(\S+)", file.read_text(encoding="utf-8")) for file in (WORKFLOW, SCRIPT)]
    assert found[0]
    assert found[1]
    assert found[0][1] == found[1][1]


@pytest.mark.skipif(os.name == "nt", reason="a shell script")
def test_script_runs_the_tests_and_nothing_else(tmp_path: Path) -> None:
    """With a `python3` that says how it was called, and without a way to install anything."""
    called = '#!/bin/sh\necho "$@ CI=$CI"\n[ -t 0 ] || cat\nexit 7\n'
    installed = ("chromium", "azurite-blob", "npm", "buildah", "mmdebstrap")
    there = {"python3": called, **dict.fromkeys(installed, "#!/bin/sh\n")}
    for name, text in there.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
        (tmp_path / name).chmod(0o755)
    environment = {"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}
    words = ["bash", str(SCRIPT)]
    done = subprocess.run(words, env=environment, cwd="/", capture_output=True, encoding="utf-8", check=False)
    assert (done.returncode, done.stdout) == (7, "-m operation test CI=true\n")
