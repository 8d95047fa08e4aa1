"""The manifest of a run, written through after every notebook: a kill loses nothing."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from operation.engine.configuration import Configuration
from operation.engine.foundation import manifest
from operation.engine.foundation.git import commit
from operation.engine.foundation.layout import Layout
from operation.engine.foundation.processes import this_process
from operation.engine.foundation.run_folder import RunFolder
from operation.engine.identity.packages import whole_lock
from operation.engine.runs.request import Prepared
from operation.engine.runs.reuse import Recalled
from operation.engine.runs.work import Outcome


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
        self._take_steps(steps)
        if error:
            self.content.update(status=_status(error), error=error)
        self.write()

    def reuse(self, recalled: Recalled) -> None:
        """Take in a notebook that an earlier run executed; its files stay where they are."""
        entry, elsewhere = self.entry(recalled.entry["name"]), f"../{recalled.run}/"
        files = {part: elsewhere + recalled.entry[part] for part in ("notebook", "report")}
        entry.update({**recalled.entry, **files, "reused_from": recalled.run, "seconds": 0.0})
        self._take_steps([{**step, "how": "reused", "seconds": 0.0} for step in recalled.steps])
        self.write()

    def entry(self, name: str) -> dict[str, Any]:
        """Return the entry of the notebook `name`."""
        return next(entry for entry in self.content["notebooks"] if entry["name"] == name)

    def steps_of(self, name: str) -> list[dict[str, Any]]:
        """Return the records of the steps that the notebook `name` called."""
        return [step for step in self.folder.records() if step["notebook"] == name]

    def _take_steps(self, steps: list[dict[str, Any]]) -> None:
        """Keep the first record of each key: later ones only found it in the store."""
        known = {step["key"] for step in self.content["steps"] if step["how"] != "failed"}
        for step in steps:
            if step["key"] not in known:
                known.add(step["key"])
                self.content["steps"].append(step)
            self._take_metrics(step)

    def _take_metrics(self, step: dict[str, Any]) -> None:
        """Let a step's metrics stand for the run: those of the configured call before those of a variant."""
        known = any(name.startswith(f"{step['step']}.") for name in self.content["metrics"])
        if step["as_configured"] or not known:
            self.content["metrics"].update({f"{step['step']}.{k}": v for k, v in step["metrics"].items()})

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
