"""``papermill --engine workbench`` in the project's environment."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from operation.setup.environment import Environment

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


@pytest.mark.skipif(not Environment().is_running(), reason="this Python is not the project's own")
def test_papermills_command_line_knows_the_engine(tmp_path: Path) -> None:
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
