"""The same notebook through both engines gives the same notebook.

What the stock engine gave is kept in ``stock.json.gz``, with the versions that gave it. With
WORKBENCH_CONFORMANCE=1 every notebook is executed by the stock engine again, and so are the project's own;
WORKBENCH_CONFORMANCE=record keeps what it gives for notebooks that are new.
"""

from __future__ import annotations

import gzip
import json
import os
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

import nbformat
import pytest

from operation.engine.notebooks.fork_server.client import ForkServer
from tests.operation.engine.notebooks.fork_server.behaviours import BEHAVIOURS
from tests.operation.engine.notebooks.fork_server.conftest import execute
from tests.operation.engine.notebooks.fork_server.volatile import comparable

KEPT = Path(__file__).with_name("stock.json.gz")
VERSIONS = {
    name: version(name)
    for name in ("ipykernel", "ipython", "matplotlib", "nbclient", "numpy", "pandas", "papermill")
}
MODE = os.environ.get("WORKBENCH_CONFORMANCE", "")
# Text that does not come through sys.stdout is read by a thread of the kernel: whether in time is chance.
BELOW_PYTHON = (
    "subprocess",
    "os.system",
    "os.write",
    "libc",
    "fork",
    "__stdout__",
    "!",
    "%%",
    "Pool",
    "joblib",
)
LIVE = ("both streams", "plot", "error in a function")


def _kept() -> dict[str, Any]:
    content: dict[str, Any] = json.loads(gzip.decompress(KEPT.read_bytes()))
    return content


def _outcome(folder: Path, name: str, engine: str, **options: Any) -> dict[str, Any]:
    folder.mkdir()
    given = {"parameters": {"alpha": 2, "name": "b"}} if name == "parameters" else {}
    found = execute(folder, BEHAVIOURS[name], engine, **options, **given)
    saved = nbformat.from_dict(found["notebook"])  # type: ignore[no-untyped-call]
    joined = nbformat.v4.rwbase.rejoin_lines(saved)  # type: ignore[no-untyped-call]
    raised = found["raised"]
    words = (
        None if raised is None else [type(raised).__name__, raised.exec_count, raised.ename, raised.evalue]
    )
    text = json.dumps({"notebook": comparable(joined), "raised": words}, sort_keys=True)
    outcome: dict[str, Any] = json.loads(_placeless(text.replace(str(folder), "<folder>")))
    return outcome


def _placeless(text: str) -> str:
    """Return `text` without where this Python is; tracebacks write the home folder as ``~``."""
    places = {"environment": sys.prefix, "python": sys.base_prefix, "temporary": tempfile.gettempdir()}
    for name, place in ((f"<{name}>", Path(path)) for name, path in places.items()):
        text = text.replace(str(place), name)
        if place.is_relative_to(Path.home()):
            text = text.replace(f"~/{place.relative_to(Path.home()).as_posix()}", name)
    return text


def test_there_are_enough_behaviours() -> None:
    assert len(BEHAVIOURS) >= 150


@pytest.mark.skipif(MODE == "record", reason="they are being recorded")
def test_what_is_kept_is_of_these_versions_and_behaviours() -> None:
    kept = _kept()
    assert kept["versions"] == VERSIONS, "record again: WORKBENCH_CONFORMANCE=record"
    assert kept["cells"] == BEHAVIOURS


@pytest.mark.skipif(MODE == "record", reason="they are being recorded")
@pytest.mark.parametrize("name", BEHAVIOURS)
def test_a_notebook_gives_what_the_stock_engine_gives(
    tmp_path: Path, fork_server: ForkServer, name: str
) -> None:
    kept = _kept()["outcomes"][name]
    for number in range(5 if any(word in "".join(BEHAVIOURS[name]) for word in BELOW_PYTHON) else 1):
        ours = _outcome(tmp_path / f"ours-{number}", name, "workbench", fork_server=fork_server)
        if ours == kept:
            break
    assert ours == kept
    if MODE or name in LIVE:
        assert ours == _outcome(tmp_path / "stock", name, "nbclient")


@pytest.mark.skipif(MODE != "record", reason="WORKBENCH_CONFORMANCE=record writes them")
def test_record(tmp_path: Path) -> None:
    kept = _kept() if KEPT.exists() else {}
    same = kept.get("versions") == VERSIONS
    outcomes = {
        name: kept["outcomes"][name]
        if same and kept["cells"].get(name) == cells
        else _outcome(tmp_path / str(number), name, "nbclient")
        for number, (name, cells) in enumerate(BEHAVIOURS.items())
    }
    content = {"versions": VERSIONS, "cells": BEHAVIOURS, "outcomes": outcomes}
    KEPT.write_bytes(gzip.compress(json.dumps(content, sort_keys=True).encode(), mtime=0))
