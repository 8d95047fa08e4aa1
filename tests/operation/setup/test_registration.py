"""``papermill --engine workbench`` in the project's environment."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.metadata import PathDistribution
from pathlib import Path

import pytest

from operation.setup.checkout import Checkout
from operation.setup.registration import ensure, packages

NOTEBOOK = {
    "cells": [
        {
            "cell_type": "code",
            "id": "a",
            "metadata": {"tags": ["parameters"]},
            "source": "x = 1",
            "outputs": [],
            "execution_count": None,
        },
        {
            "cell_type": "code",
            "id": "b",
            "metadata": {},
            "source": "import os\nx, open(f'/proc/{os.getppid()}/cmdline').read()",
            "outputs": [],
            "execution_count": None,
        },
    ],
    "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
    "nbformat": 4,
    "nbformat_minor": 5,
}


def _checkout(root: Path) -> Checkout:
    folder = "Lib/site-packages" if os.name == "nt" else "lib/python3.11/site-packages"
    (root / ".venv" / folder).mkdir(parents=True)
    return Checkout(root)


def test_it_is_a_package_that_can_be_uninstalled(tmp_path: Path) -> None:
    checkout = _checkout(tmp_path)
    ensure(checkout)
    folder = packages(checkout)
    assert folder is not None
    found = PathDistribution(folder / "workbench-0.2.0.dist-info")
    assert (found.name, found.version) == ("workbench", "0.2.0")
    assert {(entry.group, entry.name, entry.value) for entry in found.entry_points} == {
        ("papermill.engine", "workbench", "workbench_papermill:WorkbenchEngine"),
        ("jupyter_client.kernel_provisioners", "workbench", "workbench_kernels:WorkbenchProvisioner"),
    }
    files = {Path(os.path.normpath(folder / str(one))) for one in found.files or []}
    assert files == {one for one in checkout.venv.rglob("*") if one.is_file()}


def test_one_of_an_earlier_version_is_replaced(tmp_path: Path) -> None:
    checkout = _checkout(tmp_path)
    folder = packages(checkout)
    assert folder is not None
    (folder / "workbench-0.1.0.dist-info").mkdir()
    (folder / "workbench-0.1.0.dist-info" / "RECORD").touch()
    ensure(checkout)
    assert [one.name for one in folder.glob("*.dist-info")] == ["workbench-0.2.0.dist-info"]


def test_it_is_written_once(tmp_path: Path) -> None:
    checkout = _checkout(tmp_path)
    ensure(checkout)
    folder = packages(checkout)
    assert folder is not None
    (folder / "workbench_papermill.py").write_text("kept", encoding="utf-8")
    ensure(checkout)
    assert (folder / "workbench_papermill.py").read_text(encoding="utf-8") == "kept"


def test_without_an_environment_nothing_happens(tmp_path: Path) -> None:
    ensure(Checkout(tmp_path))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not Checkout.here().inside(), reason="this Python is not the project's own")
def test_papermills_command_line_knows_the_engine(tmp_path: Path) -> None:
    ensure(Checkout.here())
    source, target = tmp_path / "in.ipynb", tmp_path / "out.ipynb"
    source.write_text(json.dumps(NOTEBOOK), encoding="utf-8")
    papermill = Path(sys.executable).with_name("papermill.exe" if os.name == "nt" else "papermill")
    words = [str(papermill), "--engine", "workbench", "-p", "x", "2", str(source), str(target)]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    cells = json.loads(target.read_text(encoding="utf-8"))["cells"]
    shown = "".join(cells[-1]["outputs"][0]["data"]["text/plain"])
    assert shown.startswith("(2,")
    assert "fork_server" in shown
