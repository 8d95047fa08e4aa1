"""The notebooks of the project give the same with both engines. Takes minutes: WORKBENCH_CONFORMANCE=1."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from operation.engine import configuration
from operation.engine.foundation.layout import Layout
from operation.engine.notebooks.fork_server.client import ROOT
from tests.operation.engine.notebooks.fork_server.volatile import comparable

pytestmark = pytest.mark.skipif(
    not os.environ.get("WORKBENCH_CONFORMANCE"),
    reason="WORKBENCH_CONFORMANCE=1 executes every notebook twice",
)
_RUN = re.compile(r"\d{8}-\d{6}-flights-DEV-[0-9a-f]{4}")
_SECONDS = re.compile(r"\d+(\.\d+)? m?s\b")  # a result says how long its step took
_REQUEST = re.compile(r"'request_id': '[0-9a-f]{32}'")
_PICTURE = re.compile(r'"image/png": "[^"]*"')
_MEASURE_TIME = {"06-score-realtime"}  # its pictures show how long answers took


def _run(runs: Path, engine: str) -> dict[str, Any]:
    words = [sys.executable, "-X", "workbench", "-m", "operation", "run", "--fresh", "--engine", engine]
    variables = {**os.environ, "WORKBENCH_RUNS": str(runs)}
    variables.pop("PYTEST_CURRENT_TEST", None)
    done = subprocess.run(words, cwd=ROOT, env=variables, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (folder,) = runs.glob("2*-flights-DEV-*/notebooks")
    return {path.stem: _comparable(path, runs) for path in sorted(folder.glob("*.ipynb"))}


def _comparable(path: Path, runs: Path) -> Any:
    text = json.dumps(comparable(json.loads(path.read_text(encoding="utf-8"))))
    if path.stem in _MEASURE_TIME:
        text = _PICTURE.sub('"image/png": ""', text)
    text = _REQUEST.sub("'request_id': ''", text)
    text = _SECONDS.sub("N s", _RUN.sub("<run>", text.replace(str(runs), "<runs>")))
    return json.loads(text)


def test_every_notebook_of_the_project_gives_the_same_with_both_engines(tmp_path: Path) -> None:
    stock, ours = (_run(tmp_path / engine, engine) for engine in ("nbclient", "workbench"))
    configured = {entry.name for entry in configuration.load(layout=Layout(ROOT)).notebooks}
    assert set(ours) == set(stock) == configured
    for name, document in ours.items():
        for mine, theirs in zip(document["cells"], stock[name]["cells"], strict=True):
            assert mine == theirs
        assert document == stock[name]
