"""Runs in a temporary folder."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.operation.engine.evidence.reports.samples import (
    RUN_ID,
    Run,
    example_cells,
    failed_cells,
    failed_manifest,
    manifest,
    write_notebook,
)

MakeRun = Callable[..., Run]


@pytest.fixture
def make_run(tmp_path: Path) -> MakeRun:
    """Write ``runs/<id>`` with a manifest and one executed notebook."""

    def make(cells: list[dict[str, Any]] | None = None, name: str = RUN_ID, **changes: Any) -> Run:
        folder = tmp_path / "runs" / name
        (folder / "notebooks").mkdir(parents=True)
        content = manifest(**{"id": name, **changes})
        (folder / "manifest.json").write_text(json.dumps(content), encoding="utf-8")
        run = Run(folder, content)
        write_notebook(run.notebook, example_cells() if cells is None else cells)
        return run

    return make


@pytest.fixture
def failed_run(make_run: MakeRun) -> Run:
    return make_run(failed_cells(), **failed_manifest())
