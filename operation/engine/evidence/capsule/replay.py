"""A restored failure: its notebook up to the failing cell, and the environment it is replayed in."""

import argparse
import json
import os
import re
import shlex
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from operation.engine.evidence.capsule.outside import FOLDER, redirect
from operation.engine.evidence.capsule.unpack import Capsule, run_folder, steps
from operation.engine.evidence.capsule.variables import allowed, of_this_machine
from operation.engine.foundation import manifest
from operation.engine.foundation.children import environ, thread_limits
from operation.engine.foundation.layout import Layout, project
from operation.engine.foundation.secrets import masked
from operation.engine.notebooks.engines import STOCK, WORKBENCH
from operation.engine.notebooks.execution import execute
from operation.engine.notebooks.failure import error_record, failing_cell
from operation.engine.notebooks.limits import Limits

_MARKER = "papermill-error-cell-tag"  # cells that papermill adds where a notebook failed
CHECKOUT = Path(__file__).resolve().parents[4]


@dataclass(frozen=True)
class Replay:
    """A capsule and the project that it was restored to."""

    capsule: Capsule  # what was read
    layout: Layout  # the restored project
    passed: Sequence[str] = ()  # variables of this machine's environment that a person lets it have

    @cached_property
    def document(self) -> dict[str, Any]:
        """The notebook as it was executed, its injected parameters included, without papermill's marks."""
        path = run_folder(self.layout) / "notebooks" / f"{self.capsule.notebook}.ipynb"
        document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        cells = document["cells"]
        document["cells"] = [cell for cell in cells if _MARKER not in cell["metadata"].get("tags", [])]
        return document

    @cached_property
    def cell(self) -> int:
        """Index of the failing cell in `document`; of the first code cell when the kernel never started."""
        failing = failing_cell(self.document)
        code = [index for index, cell in enumerate(self.document["cells"]) if cell["cell_type"] == "code"]
        return code[0] if failing is None else failing

    @property
    def prompt(self) -> int:
        """The number that the failing cell has, or would have had: n of ``In [n]``."""
        return sum(cell["cell_type"] == "code" for cell in self.document["cells"][: self.cell + 1])

    @property
    def notebook(self) -> Path:
        """The restored notebook."""
        return self.layout.notebooks / f"{self.capsule.notebook}.ipynb"

    @cached_property
    def environment(self) -> dict[str, str]:
        """What it has of the run's variables and of this machine's."""
        given = allowed(self.capsule.variables, project())
        own = {name: os.environ[name] for name in self.passed if name in os.environ}
        return {**of_this_machine(), **given, **own}

    def variables(self, purpose: str) -> dict[str, str]:
        """Return the whole environment of a process that replays for `purpose`, with a run folder for it."""
        folder = self.layout.runs / purpose
        overrides = manifest.read(run_folder(self.layout) / "overrides.json") or {}
        manifest.write(folder / "overrides.json", overrides)
        python = [*redirect(self.layout, self.capsule.content), CHECKOUT]
        return {
            **thread_limits(1),
            **self.environment,
            "WORKBENCH_ROOT": str(self.layout.root),
            "WORKBENCH_RUN": str(folder),
            "WORKBENCH_NOTEBOOK": self.capsule.notebook,
            "PYTHONPATH": os.pathsep.join(map(str, python)),
            "JUPYTER_PREFER_ENV_PATH": "1",
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "PYDEVD_DISABLE_FILE_VALIDATION": "1",
        }

    def sources(self) -> list[str]:
        """Return the code before the failing cell."""
        return [
            "".join(cell["source"])
            for cell in self.document["cells"][: self.cell]
            if cell["cell_type"] == "code"
        ]


def check(replay: Replay) -> dict[str, Any]:
    """Execute the notebook headlessly up to and including the failing cell.

    Returns
    -------
    dict
        ``reproduced``, and the location, type and message ``expected`` and ``found`` (None: it ran through).
    """
    source = replay.layout.notebooks / f"{replay.capsule.notebook}.check.ipynb"
    cells = [_bare(cell) for cell in replay.document["cells"][: replay.cell + 1]]
    metadata = {key: value for key, value in replay.document["metadata"].items() if key != "papermill"}
    source.write_text(json.dumps({**replay.document, "cells": cells, "metadata": metadata}), encoding="utf-8")
    variables = replay.variables("check")
    folder = Path(variables["WORKBENCH_RUN"])
    with environ(variables, alone=True):
        executed = execute(
            source, folder / source.name, {}, {}, lambda *_: None, **_engine_and_limits(replay)
        )
    found = None
    if executed.error:
        records = steps(folder, replay.capsule.notebook)
        names = (replay.capsule.notebook, executed.error, records, replay.layout.root)
        found = _failure(error_record(executed.document, *names))
    expected = _failure(replay.capsule.content["error"])
    at_cell = executed.error is not None and failing_cell(_unmarked(executed.document)) == replay.cell
    same = found is not None and _is_same(replay, expected, found)
    return {"reproduced": same and at_cell, "expected": expected, "found": found}


def _engine_and_limits(replay: Replay) -> dict[str, Any]:
    """Return with which engine and limits the run's command had notebooks executed."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--engine")
    for name in ("--cell-seconds", "--seconds", "--megabytes"):
        parser.add_argument(name, type=float)
    words: list[str] = []
    with suppress(ValueError):  # no command line: a stranger may have written it
        words = shlex.split(str(replay.capsule.content.get("command", "")))
    chosen, _ = parser.parse_known_args(words)
    memory = int(chosen.megabytes * 1_000_000) if chosen.megabytes else None
    limits = Limits(cell=chosen.cell_seconds, run=chosen.seconds, memory=memory)
    return {"engine": STOCK if chosen.engine == STOCK else WORKBENCH, "limits": limits}


def _is_same(replay: Replay, expected: dict[str, Any], found: dict[str, Any]) -> bool:
    # of an orderly end elsewhere the line that raised it is not known
    known = ("type", "file", "line") if expected["line"] else ("type",)
    content, layout = replay.capsule.content, replay.layout
    here = {str(layout.root / member): spelled for spelled, member in content["moved"].items()}
    here |= {str(layout.root / FOLDER): ""}
    here |= {str(layout.store): content["store"], str(layout.root): content["root"]}
    return all(found[name] == expected[name] for name in known) and (
        not expected["message"]  # it died without a word
        or _comparable(expected["message"], {}) == _comparable(found["message"], here)
    )


def _comparable(message: str, paths: dict[str, str]) -> str:
    """Return a message without secrets and addresses in memory, with the `paths` as the run had them.

    The seconds of a time limit are left out too: what subprocess says is measured.
    """
    for here, there in paths.items():
        message = message.replace(here, there)
    message = re.sub(r"(timed out after )[\d.]+(?= seconds)", r"\1", message)
    return re.sub(r"\b0x[0-9a-fA-F]+", "0x", masked(message).replace("\\", "/"))


def _unmarked(document: dict[str, Any]) -> dict[str, Any]:
    cells = [cell for cell in document["cells"] if _MARKER not in cell["metadata"].get("tags", [])]
    return {**document, "cells": cells}


def _bare(cell: dict[str, Any]) -> dict[str, Any]:
    metadata = {key: value for key, value in cell["metadata"].items() if key != "papermill"}
    bare = {**cell, "metadata": metadata}
    return {**bare, "outputs": [], "execution_count": None} if cell["cell_type"] == "code" else bare


def _failure(error: dict[str, Any]) -> dict[str, Any]:
    return {name: error.get(name) for name in ("type", "message", "file", "line")}
