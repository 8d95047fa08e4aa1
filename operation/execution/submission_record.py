"""A submission, its manifest, and the notebook that does the same on this machine."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from operation.engine import manifest
from operation.engine.configuration import Configuration
from operation.engine.keys import lock_digest
from operation.engine.layout import Layout
from operation.engine.runners import exit_code_of, from_exception
from operation.engine.runs.folder import RunFolder
from operation.engine.runs.request import Request


@dataclass(frozen=True)
class SubmitRequest(Request):
    """A request that was made by ``submit``."""

    words: Sequence[str] = ()

    @property
    def command(self) -> str:
        """The command line that asks for the same again."""
        return " ".join(["python3", "-m", "operation", "submit", *self.words])


@dataclass
class Submission:
    """One submission."""

    layout: Layout
    configured: Configuration
    name: str  # ``submit-train``: of the notebook that replays it
    words: Sequence[str]  # the command line behind ``submit``
    folder: RunFolder  # where it is recorded
    # step -> what it printed, in the order in which they were executed
    logs: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)  # what the page says besides, as Markdown
    # what the manifest says besides, such as an AutoML baseline
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def notebook(self) -> Path:
        """The notebook of this submission."""
        return self.folder.path / "notebooks" / f"{self.name}.ipynb"

    @property
    def request(self) -> SubmitRequest:
        """What was asked for."""
        configured = self.configured
        return SubmitRequest(configured.environment, configured.use_case, [self.name], words=self.words)

    @property
    def record(self) -> dict[str, Any]:
        """The manifest as it stands."""
        return manifest.read(self.folder.path / "manifest.json") or {}


def write_record(
    made: Submission, started: str, clock: float, status: str, error: Mapping[str, Any] | None
) -> None:
    """Write the notebook and the manifest."""
    made.notebook.parent.mkdir(parents=True, exist_ok=True)
    made.notebook.write_text(json.dumps(document(made, error)), encoding="utf-8")
    steps = made.folder.records()
    configured = made.configured
    seconds = None if status == "running" else round(time.perf_counter() - clock, 3)
    ended = None if status == "running" else manifest.now()
    content = {
        "schema": manifest.SCHEMA,
        "kind": "run",
        "id": made.folder.path.name,
        "status": status,
        "use_case": configured.use_case,
        "environment": configured.environment,
        "description": configured.description,
        "command": made.request.command,
        "configuration_digest": configured.digest,
        "lock_digest": lock_digest(made.layout.lock),
        **manifest.commit(made.layout.root),
        **manifest.machine(),
        "started": started,
        "ended": ended,
        "seconds": seconds,
        "notebooks": [_entry(made, status, started=started, seconds=seconds, steps=steps, error=error)],
        "steps": _distinct(steps),
        "metrics": _metrics(made, steps),
        **made.facts,
        "error": error,
    }
    manifest.write(made.folder.path / "manifest.json", content)


def _metrics(made: Submission, steps: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    own = {f"{one['step']}.{name}": value for one in steps for name, value in one["metrics"].items()}
    compared = made.facts.get("automl", {}).get("compared", [])
    return {**own, **{f"automl.{row['metric']}": row["automl"] for row in compared}}


def _distinct(steps: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the first record of each key: later ones only found it in the store."""
    first: dict[str, dict[str, Any]] = {}
    for step in steps:
        first.setdefault(step["key"], step)
    return list(first.values())


def _entry(
    made: Submission,
    status: str,
    *,
    started: str,
    seconds: float | None,
    steps: Sequence[Mapping[str, Any]],
    error: Mapping[str, Any] | None,
) -> dict[str, Any]:
    return {
        "name": made.name,
        "title": f"Submission: {' '.join(made.words)}",
        "status": "pending" if status == "running" else status,
        "notebook": f"notebooks/{made.name}.ipynb",
        "report": f"{made.name}.html",
        "parameters": {"use_case": made.configured.use_case, "environment": made.configured.environment},
        "started": started,
        "seconds": seconds,
        "cells": [],
        "steps": list(dict.fromkeys(step["step"] for step in steps)),
        "error": error,
    }


def error_of(made: Submission, raised: Exception) -> dict[str, Any]:
    """Return what the manifest says of a failure, with the place that it has in the notebook."""
    details = getattr(raised, "details", None) or from_exception(raised, made.layout.src)
    cells = document(made, {**details, "execution_count": 0, "cell": 0})["cells"]
    prompt = sum(one["cell_type"] == "code" for one in cells)
    place = {"notebook": made.name, "cell": len(cells) - 1, "execution_count": prompt}
    return {**details, **place, "exit_code": exit_code_of(raised)}


def document(made: Submission, error: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return a notebook that does on this machine what was submitted; the failing cell is its last."""
    choice = (
        f"use_case: str = {made.configured.use_case!r}  # the experiment\n"
        f"environment: str = {made.configured.environment!r}  # where it runs"
    )
    executed = list(made.logs)
    failed = [step["step"] for step in made.folder.records() if step["how"] == "failed"][-1:]
    cells = [_markdown(f"# Submission: {' '.join(made.words)}"), _code(choice, 1, tags=["parameters"])]
    cells.append(_code("import core\n\ncore.use(use_case, environment)", 2))
    for step in [*executed, *(one for one in failed if one not in executed)]:
        ended_badly = error if step in failed else None
        cells.append(_code(f"core.{step}()", len(cells), text=made.logs.get(step, ""), error=ended_badly))
    if error and not failed:
        cells.append(_code("", len(cells), error=error))
    cells[1:1] = [_markdown(note) for note in made.notes]
    for index, cell in enumerate(cells):
        cell["id"] = f"cell-{index}"
    kernel = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    return {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


def _markdown(source: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "metadata": {}, "source": source}


def _code(
    source: str,
    count: int,
    *,
    text: str = "",
    error: Mapping[str, Any] | None = None,
    tags: Sequence[str] = (),
) -> dict[str, Any]:
    outputs: list[dict[str, Any]] = []
    if text:
        outputs.append({"output_type": "stream", "name": "stdout", "text": text})
    if error:
        lines = str(error["traceback"]).splitlines()
        outputs.append(
            {"output_type": "error", "ename": error["type"], "evalue": error["message"], "traceback": lines}
        )
    metadata = {"tags": list(tags), "papermill": {"exception": bool(error)}}
    content = {"cell_type": "code", "execution_count": count, "metadata": metadata}
    return {**content, "outputs": outputs, "source": source}
