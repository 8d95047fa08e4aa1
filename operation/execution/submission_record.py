"""What a submission leaves beside its pages: its manifest, and the notebook that does the same here."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from operation.engine import manifest
from operation.engine.keys import lock_digest
from operation.engine.runners import exit_code_of, from_exception
from operation.execution.submission_notebook import document

if TYPE_CHECKING:
    from operation.execution.submission import Submission


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
