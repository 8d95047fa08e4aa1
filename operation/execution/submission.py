"""The run folder of one submission: manifest, what was printed as a notebook, and a failure's capsule."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from operation.engine import manifest
from operation.engine.capsule.pack import pack_failure
from operation.engine.configuration import Configuration, NotebookEntry
from operation.engine.keys import lock_digest
from operation.engine.layout import Layout
from operation.engine.notebooks.assignments import Assignments
from operation.engine.runners import exit_code_of, from_exception
from operation.engine.runs import folder as run_folder
from operation.engine.runs.folder import RunFolder
from operation.engine.runs.prepared import Prepared
from operation.engine.runs.request import Request
from operation.engine.surroundings import surroundings


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
    """One submission.

    Parameters
    ----------
    layout : Layout
        The project's folders.
    configured : Configuration
        The use case and the environment.
    name : str
        ``submit-train``: of the notebook that replays it.
    words : sequence of str
        The command line behind ``submit``.
    folder : RunFolder
        Where it is recorded.
    logs : dict of str to str
        Step -> what it printed, in the order in which they were executed.
    notes : list of str
        What the page says besides, as Markdown.
    facts : dict
        What the manifest says besides, such as an AutoML baseline.
    """

    layout: Layout
    configured: Configuration
    name: str
    words: Sequence[str]
    folder: RunFolder
    logs: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def notebook(self) -> Path:
        """The notebook of this submission."""
        return self.folder.path / "notebooks" / f"{self.name}.ipynb"

    @property
    def record(self) -> dict[str, Any]:
        """The manifest as it stands."""
        return manifest.read(self.folder.path / "manifest.json") or {}


@contextmanager
def submission(
    layout: Layout, configured: Configuration, name: str, words: Sequence[str]
) -> Iterator[Submission]:
    """Record what is done in the block as a run; when it fails, leave a capsule.

    Sessions that are made in the block add their steps to the run.
    """
    folder = run_folder.new(layout.runs, configured.use_case, configured.environment)
    made = Submission(layout, configured, f"submit-{name}", words, folder)
    started, clock = manifest.now(), time.perf_counter()
    variables = {run_folder.VARIABLE: str(folder.path.resolve()), "WORKBENCH_NOTEBOOK": made.name}
    manifest.write(folder.path / "overrides.json", {})
    _write(made, started, clock, "running", None)
    status, error = "succeeded", None
    try:
        with surroundings(variables):
            yield made
    except KeyboardInterrupt:
        status = "interrupted"
        raise
    except Exception as raised:  # every failure is recorded, and goes on to the boundary
        error = _error(made, raised)
        status = "rejected" if error["exit_code"] == 3 else "failed"
        raise
    finally:
        _write(made, started, clock, status, error)
        if any(step["how"] == "failed" for step in folder.records()):
            pack_failure(layout, folder, _prepared(made))
        if (folder.path / "capsule.zip").exists():
            capsule = layout.relative(folder.path / "capsule.zip")
            print(f"replay: python3 -m operation replay {capsule}", file=sys.stderr)
        _pages(made)


def _pages(made: Submission) -> None:
    """Write the pages that a run has."""
    from operation.engine.reports.gallery import write_gallery
    from operation.engine.reports.latest import point_latest
    from operation.engine.reports.notebook import render_notebook
    from operation.engine.reports.run_page import write_run_page

    render_notebook(made.notebook, made.folder.path / f"{made.name}.html", made.record)
    write_run_page(made.folder.path)
    point_latest(made.layout.runs, made.folder.path)
    write_gallery(made.layout.runs)


def _write(
    made: Submission, started: str, clock: float, status: str, error: Mapping[str, Any] | None
) -> None:
    """Write the notebook and the manifest."""
    made.notebook.parent.mkdir(parents=True, exist_ok=True)
    made.notebook.write_text(json.dumps(_document(made, error)), encoding="utf-8")
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
        "command": _request(made).command,
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


def _error(made: Submission, raised: Exception) -> dict[str, Any]:
    details = getattr(raised, "details", None) or from_exception(raised, made.layout.src)
    cells = _document(made, {**details, "execution_count": 0, "cell": 0})["cells"]
    prompt = sum(one["cell_type"] == "code" for one in cells)
    place = {"notebook": made.name, "cell": len(cells) - 1, "execution_count": prompt}
    return {**details, **place, "exit_code": exit_code_of(raised)}


def _document(made: Submission, error: Mapping[str, Any] | None) -> dict[str, Any]:
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


def _request(made: Submission) -> SubmitRequest:
    configured = made.configured
    return SubmitRequest(configured.environment, configured.use_case, [made.name], words=made.words)


def _prepared(made: Submission) -> Prepared:
    """Return what a capsule needs to know of the submission's notebook."""
    entry = NotebookEntry(made.name, {})
    return Prepared(_request(made), made.configured, [entry], Assignments({}, {}), {made.name: made.notebook})
