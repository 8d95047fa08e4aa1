"""A restored failure: its notebook up to the failing cell, and the surroundings it is replayed in."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from operation.engine.evidence.capsule.unpack import Capsule, run_folder, steps
from operation.engine.foundation import manifest
from operation.engine.foundation.children import environ, thread_limits
from operation.engine.foundation.layout import Layout
from operation.engine.notebooks.execution import execute
from operation.engine.notebooks.failure import error_record, failing_cell

_MARKER = "papermill-error-cell-tag"  # cells that papermill adds where a notebook failed
CHECKOUT = Path(__file__).resolve().parents[4]


@dataclass(frozen=True)
class Replay:
    """A capsule and the project that it was restored to.

    Parameters
    ----------
    capsule : Capsule
        What was read.
    layout : Layout
        The restored project.
    """

    capsule: Capsule
    layout: Layout

    @cached_property
    def document(self) -> dict[str, Any]:
        """The notebook as it was executed, its injected parameters included, without papermill's marks."""
        path = run_folder(self.layout) / "notebooks" / f"{self.capsule.notebook}.ipynb"
        document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        cells = document["cells"]
        document["cells"] = [one for one in cells if _MARKER not in one["metadata"].get("tags", [])]
        return document

    @cached_property
    def cell(self) -> int:
        """Index of the failing cell in `document`; of the first code cell when the kernel never started."""
        found = failing_cell(self.document)
        code = [index for index, one in enumerate(self.document["cells"]) if one["cell_type"] == "code"]
        return code[0] if found is None else found

    @property
    def prompt(self) -> int:
        """The number that the failing cell has, or would have had: n of ``In [n]``."""
        return sum(one["cell_type"] == "code" for one in self.document["cells"][: self.cell + 1])

    @property
    def notebook(self) -> Path:
        """The restored notebook."""
        return self.layout.notebooks / f"{self.capsule.notebook}.ipynb"

    def variables(self, purpose: str) -> dict[str, str]:
        """Return the whole environment of a process that replays for `purpose`, with a run folder for it."""
        folder = self.layout.runs / purpose
        overrides = manifest.read(run_folder(self.layout) / "overrides.json") or {}
        manifest.write(folder / "overrides.json", overrides)
        foreign = {*self.capsule.content["variables"], "WORKBENCH_RUNS"}
        kept = {name: value for name, value in os.environ.items() if name not in foreign}
        return {
            **kept,
            **self.capsule.variables,
            **thread_limits(1),
            "WORKBENCH_ROOT": str(self.layout.root),
            "WORKBENCH_RUN": str(folder),
            "WORKBENCH_NOTEBOOK": self.capsule.notebook,
            "PYTHONPATH": str(CHECKOUT),
            "JUPYTER_PREFER_ENV_PATH": "1",
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "PYDEVD_DISABLE_FILE_VALIDATION": "1",
        }

    def sources(self) -> list[str]:
        """Return the code before the failing cell."""
        return [
            "".join(one["source"])
            for one in self.document["cells"][: self.cell]
            if one["cell_type"] == "code"
        ]


def check(replay: Replay) -> dict[str, Any]:
    """Execute the notebook headlessly up to and including the failing cell.

    Returns
    -------
    dict
        ``reproduced``, and the place and type ``expected`` and ``found`` (None: it ran through).
    """
    source = replay.layout.notebooks / f"{replay.capsule.notebook}.check.ipynb"
    cells = [_bare(one) for one in replay.document["cells"][: replay.cell + 1]]
    metadata = {key: value for key, value in replay.document["metadata"].items() if key != "papermill"}
    source.write_text(json.dumps({**replay.document, "cells": cells, "metadata": metadata}), encoding="utf-8")
    variables = replay.variables("check")
    folder = Path(variables["WORKBENCH_RUN"])
    with environ(variables, alone=True):
        executed = execute(source, folder / source.name, {}, {}, lambda *_: None)
    found = None
    if executed.error:
        records = steps(folder, replay.capsule.notebook)
        found = _place(error_record(executed.document, replay.capsule.notebook, executed.error, records))
    expected = _place(replay.capsule.content["error"])
    at_cell = executed.error is not None and failing_cell(_unmarked(executed.document)) == replay.cell
    # of an orderly end elsewhere only the words are known, not the line that raised them
    known = ("type", "file", "line") if expected["line"] else ("type",)
    same = found is not None and all(found[name] == expected[name] for name in known)
    return {"reproduced": same and at_cell, "expected": expected, "found": found}


def _unmarked(document: dict[str, Any]) -> dict[str, Any]:
    cells = [one for one in document["cells"] if _MARKER not in one["metadata"].get("tags", [])]
    return {**document, "cells": cells}


def _bare(cell: dict[str, Any]) -> dict[str, Any]:
    metadata = {key: value for key, value in cell["metadata"].items() if key != "papermill"}
    bare = {**cell, "metadata": metadata}
    return {**bare, "outputs": [], "execution_count": None} if cell["cell_type"] == "code" else bare


def _place(error: dict[str, Any]) -> dict[str, Any]:
    return {name: error.get(name) for name in ("type", "message", "file", "line")}
