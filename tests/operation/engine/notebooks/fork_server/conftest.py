"""Executes small notebooks by either engine."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from operation.engine.notebooks.engines import quick_papermill, watched
from operation.engine.notebooks.fork_server.client import ForkServer
from tests.operation.engine.notebooks.fork_server.behaviours import document

collect_ignore = [] if sys.platform == "linux" else ["test_conformance.py", "test_faults.py"]


@pytest.fixture(scope="session")
def fork_server() -> Iterator[ForkServer]:
    """One process that all these notebooks are forked from, with libraries in it."""
    os.environ["OMP_NUM_THREADS"] = "1"  # for the server and the kernels alike
    with ForkServer(os.environ) as started:
        started.preload(["numpy", "pandas", "matplotlib.pyplot"])
        yield started


def execute(folder: Path, cells: list[str], engine: str, **options: Any) -> dict[str, Any]:
    """Execute a notebook of `cells` in `folder`; return what was saved, and the error that was raised."""
    papermill = quick_papermill()
    os.environ.pop("PYTEST_CURRENT_TEST", None)  # with it ipykernel does not read descriptors 1 and 2
    source, target = folder / "in.ipynb", folder / "out.ipynb"
    source.write_text(json.dumps(document(cells)), encoding="utf-8")
    raised = None
    try:
        papermill.execute_notebook(
            str(source),
            str(target),
            engine_name=watched(engine),
            progress_bar=False,
            cwd=str(folder),
            **options,
        )
    except Exception as error:  # noqa: BLE001 - whatever it is, the test looks at it
        raised = error
    return {"notebook": json.loads(target.read_text(encoding="utf-8")), "raised": raised}
