"""The manifest of a run, written through after every notebook: a kill loses nothing."""

import json
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from operation.engine.configuration import Configuration
from operation.engine.foundation import manifest
from operation.engine.foundation.git import commit
from operation.engine.foundation.layout import Layout
from operation.engine.foundation.processes import this_process
from operation.engine.foundation.run_folder import RunFolder
from operation.engine.identity.packages import whole_lock
from operation.engine.notebooks.work import Outcome
from operation.engine.runs.request import Prepared
from operation.engine.runs.reuse import Recalled


class OpenManifest:
    """A manifest (`kind` is ``run`` or ``sweep``) that is written while its work goes on, and closed once."""

    def __init__(self, path: Path, kind: str, layout: Layout, configured: Configuration) -> None:
        self.path = path
        self._clock = time.perf_counter()
        self.content: dict[str, Any] = {
            "schema": manifest.SCHEMA,
            "kind": kind,
            "id": path.parent.name,
            "status": "running",
            "use_case": configured.use_case,
            "environment": configured.environment,
            "description": configured.description,
            "configuration_digest": configured.digest,
            **commit(layout.root),
            **manifest.machine(),
            "process": this_process(),
            "started": manifest.now(),
            "ended": None,
            "seconds": None,
        }

    @property
    def status(self) -> str:
        """Where the work stands: running, succeeded, failed, rejected or interrupted."""
        return str(self.content["status"])

    def write(self) -> None:
        """Write the manifest as it stands."""
        manifest.write(self.path, self.content)

    def close(self, status: str) -> None:
        """Write how the work ended, and when."""
        seconds = round(time.perf_counter() - self._clock, 3)
        self.content.update(status=status, ended=manifest.now(), seconds=seconds)
        self.write()


class RunManifest(OpenManifest):
    """``runs/<id>/manifest.json``."""

    def __init__(self, layout: Layout, folder: RunFolder, prepared: Prepared) -> None:
        super().__init__(folder.path / "manifest.json", "run", layout, prepared.configured)
        self.folder = folder
        self._called: dict[str, list[dict[str, Any]]] = {}  # notebook -> records of its steps
        self.content.update(
            command=prepared.request.command,
            lock_digest=whole_lock(layout.lock).digest,
            notebooks=[_pending(notebook.name, prepared) for notebook in prepared.notebooks],
            steps=[],
            metrics={},
            error=None,
        )
        self.write()

    def add(self, name: str, outcome: Outcome, started: str) -> None:
        """Take in one executed notebook and the steps that it called."""
        steps, error = self.steps_of(name), outcome.error
        self.entry(name).update(
            status=_status(error),
            started=started,
            seconds=round(outcome.seconds, 3),
            cells=list(outcome.cells),
            steps=list(dict.fromkeys(step["step"] for step in steps)),
            step_keys=list(dict.fromkeys(step["key"] for step in steps)),
            error=error,
        )
        self._take_steps(name, steps)
        errors = [entry["error"] for entry in self.content["notebooks"] if entry["error"]]
        if errors:  # several may have failed side by side: the first of the configuration counts
            self.content.update(status=_status(errors[0]), error=errors[0])
        self.write()

    def reuse(self, recalled: Recalled) -> None:
        """Take in a notebook that an earlier run executed; its files stay where they are."""
        entry, elsewhere = self.entry(recalled.entry["name"]), f"../{recalled.run}/"
        files = {part: elsewhere + recalled.entry[part] for part in ("notebook", "report")}
        entry.update({**recalled.entry, **files, "reused_from": recalled.run, "seconds": 0.0})
        steps = [{**step, "how": "reused", "seconds": 0.0} for step in recalled.steps]
        self._take_steps(entry["name"], steps)
        self.write()

    def entry(self, name: str) -> dict[str, Any]:
        """Return the entry of the notebook `name`."""
        return next(entry for entry in self.content["notebooks"] if entry["name"] == name)

    def steps_of(self, name: str) -> list[dict[str, Any]]:
        """Return the records of the steps that the notebook `name` called."""
        return [step for step in self.folder.records() if step["notebook"] == name]

    def _take_steps(self, notebook: str, steps: list[dict[str, Any]]) -> None:
        """Take in what `notebook` called; the order is that of the configuration, whichever ended first."""
        self._called[notebook] = steps
        called = [step for entry in self.content["notebooks"] for step in self._called.get(entry["name"], ())]
        self.content.update(steps=_one_of_each(called), metrics=_metrics(called))

    def end(self, status: str | None = None) -> None:
        """Close the manifest; a run that nothing stopped has succeeded."""
        if self.content["ended"]:
            return
        pending = any(entry["status"] == "pending" for entry in self.content["notebooks"])
        stopped = "interrupted" if pending else "succeeded"
        self.close(status or (stopped if self.status == "running" else self.status))

    def tell(self, name: str, value: object) -> None:
        """Add something that was found out about the run."""
        self.content[name] = value
        self.write()


def _one_of_each(called: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return one record of each key, where it was first called: of its execution, not of finding it.

    What failed counts until its key has succeeded.
    """
    found: dict[object, dict[str, Any]] = {}
    for number, step in enumerate(called):
        key, before = step["key"], found.get(step["key"])
        if step["how"] == "failed" and not before:
            found[number] = step
        elif step["how"] != "failed" and (not before or before["how"] == "reused"):
            found[key] = step
    return list(found.values())


def _metrics(called: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Return the metrics of the run: those of a step's configured call before those of a variant."""
    metrics: dict[str, Any] = {}
    for step in called:
        known = any(name.startswith(f"{step['step']}.") for name in metrics)
        if step["as_configured"] or not known:
            metrics.update({f"{step['step']}.{name}": value for name, value in step["metrics"].items()})
    return metrics


def _pending(name: str, prepared: Prepared) -> dict[str, Any]:
    return {
        "name": name,
        "title": _title(prepared.sources[name]),
        "status": "pending",
        "notebook": f"notebooks/{name}.ipynb",
        "report": f"{name}.html",
        "parameters": prepared.parameters(name),
        "started": None,
        "seconds": None,
        "cells": [],
        "steps": [],
        "step_keys": [],
        "error": None,
    }


def _title(notebook: Path) -> str:
    """Return the first heading of the notebook, else its name."""
    for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
        lines = "".join(cell["source"]).splitlines() if cell["cell_type"] == "markdown" else []
        for line in lines:
            if line.startswith("# "):
                return line.removeprefix("# ").strip()
    return notebook.stem


def _status(error: dict[str, Any] | None) -> str:
    if error is None:
        return "succeeded"
    return "rejected" if error["exit_code"] == 3 else "failed"
