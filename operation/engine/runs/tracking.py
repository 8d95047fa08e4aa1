"""Has a run logged to MLflow by a process of its own: its import is never in the way of a notebook."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from operation.engine.configuration import Configuration
from operation.engine.contract import read_contract
from operation.engine.layout import Layout

DEFAULT_URI = "sqlite:///runs/mlflow.db"


def tracking_uri(configured: Configuration) -> str:
    """Return where MLflow logs to: what the variable TRACKINGURI says, else the embedded store."""
    return str(configured.variables.get("TRACKINGURI") or DEFAULT_URI)


class Tracker:
    """A child process that logs manifests as they grow, where there is a training to log.

    It is started by `begin`, or when it is needed.

    Parameters
    ----------
    layout : Layout
        The project's folders.
    configured : Configuration
        Says where to (`tracking_uri`).
    """

    def __init__(self, layout: Layout, configured: Configuration) -> None:
        self._root = layout.root
        self._uri = tracking_uri(configured)
        self._trains = any("model" in read_contract(one.script).outputs for one in configured.steps.values())
        self._told, self._there = False, False
        self._log = layout.runs / "tracking.log"
        self._child: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        return self

    def begin(self) -> None:
        """Start the process: best when a notebook computes and this process has little to do."""
        if self._trains:
            self._started()

    def log(self, run_manifest: Path, content: Mapping[str, Any]) -> None:
        """Have the manifest, as it stands now, logged in the background; `content` is what is in it."""
        if not any("model" in step["outputs"] and step["how"] != "failed" for step in content["steps"]):
            return
        self._told = True
        pipe = self._started().stdin
        assert pipe is not None  # noqa: S101 - asked for below
        try:
            pipe.write(f"{run_manifest.resolve()}\n")
            pipe.flush()
        except OSError:  # it ended early: __exit__ says so
            return

    def __exit__(self, *error: object) -> None:
        if self._child is None:
            return
        if not self._told and self._there:
            self._child.kill()
            self._child.communicate()
            return
        self._child.communicate()
        if self._child.returncode:
            print(f"warning: MLflow was not told of this run; see {self._log}", file=sys.stderr)

    def _has_tables(self) -> bool:
        """Tell that the store was there before: opening it may then be cut short, making it may not."""
        file = self._uri.partition("sqlite:///")[2]
        return not file or (self._root / file).is_file()

    def _started(self) -> subprocess.Popen[str]:
        if self._child is None:
            self._there = self._has_tables()
            self._log.parent.mkdir(exist_ok=True)
            with self._log.open("w", encoding="utf-8") as log:
                self._child = subprocess.Popen(
                    [sys.executable, "-m", "operation.engine.runs.mlflow_log", self._uri],
                    stdin=subprocess.PIPE,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    cwd=self._root,
                    env=_variables(),
                    text=True,
                    start_new_session=True,  # Ctrl-C is for notebooks: that they were interrupted is logged
                )
        return self._child


def _variables() -> dict[str, str]:
    project = str(Path(__file__).parents[3])
    return {**os.environ, "PYTHONPATH": project, "MLFLOW_DISABLE_TELEMETRY": "true"}
