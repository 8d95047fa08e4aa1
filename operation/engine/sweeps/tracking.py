"""Logs a sweep to MLflow from a process of its own: one parent run, and a child run for each point."""

from __future__ import annotations

import gc
import json
import math
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Self

from operation.engine.configuration import Configuration
from operation.engine.layout import Layout
from operation.engine.runs.mlflow_log import _alone as one_at_a_time
from operation.engine.runs.mlflow_log import client
from operation.engine.runs.tracking import tracking_uri

_ROOT = Path(__file__).resolve().parents[3]
_START = (
    "import sys; sys.path.insert(0, {root!r}); "
    "from operation.engine.sweeps.tracking import main; main({uri!r})"
)
_POLITE = 15  # the points come first
_STATES = {"succeeded": "FINISHED", "running": "RUNNING", "interrupted": "KILLED", "pending": "SCHEDULED"}
_MOST_METRICS = 1000  # that MLflow takes at once


class SweepTracker:
    """A child process that imports MLflow while points are executed, and logs the sweep at its end.

    Parameters
    ----------
    layout : Layout
        The project's folders.
    configured : Configuration
        Says where to (`tracking_uri`).
    """

    def __init__(self, layout: Layout, configured: Configuration) -> None:
        layout.runs.mkdir(parents=True, exist_ok=True)
        self._log = (layout.runs / "tracking.log").open("w", encoding="utf-8")
        self._child = subprocess.Popen(
            [sys.executable, "-c", _START.format(root=str(_ROOT), uri=tracking_uri(configured))],
            stdin=subprocess.PIPE,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            cwd=layout.root,
            env={**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true"},
            text=True,
            encoding="utf-8",
            start_new_session=True,  # an interrupted sweep is logged too
        )

    def __enter__(self) -> Self:
        return self

    def log(self, sweep_manifest: Path) -> None:
        """Have the sweep logged as its manifest stands now."""
        assert self._child.stdin is not None  # noqa: S101 - asked for above
        try:
            self._child.stdin.write(f"{sweep_manifest.resolve()}\n")
            self._child.stdin.flush()
        except OSError:  # it ended early: __exit__ says so
            return

    def __exit__(self, *error: object) -> None:
        self._child.communicate()
        self._log.close()
        if self._child.returncode:
            print(f"warning: MLflow was not told of this sweep; see {self._log.name}", file=sys.stderr)


def main(uri: str) -> None:
    """Log every manifest of a sweep that is named on standard input, to the MLflow store at `uri`."""
    if hasattr(os, "nice"):
        os.nice(_POLITE)
    gc.disable()  # a quarter of what follows; this process is short
    with one_at_a_time(uri):
        opened = client(uri)
    for line in sys.stdin:
        path = Path(line.strip())
        log_sweep(opened, path.parents[2], json.loads(path.read_text(encoding="utf-8")))


def log_sweep(store: Any, runs: Path, content: Mapping[str, Any]) -> None:
    """Log a sweep's manifest; points that were executed in an earlier attempt are logged again with it.

    Parameters
    ----------
    store : MlflowClient
        Of the store.
    runs : Path
        Where the paths in the manifest start.
    content : mapping
        The manifest.
    """
    experiment = _experiment(store, runs, content["use_case"])
    tags = {f"workbench.{name}": str(content[name]) for name in ("id", "environment", "commit", "command")}
    parent = _begin(store, experiment, content["id"], {**tags, "workbench.kind": "sweep"}, content["started"])
    best = next((one for one in content["points"] if one["number"] == content["best"]), None)
    names = ("notebook", "metric")
    _values(store, parent, {name: content[name] for name in names}, best["metrics"] if best else {})
    for point in content["points"]:
        if point["status"] != "pending":
            _point(store, experiment, parent, content, point)
    _end(store, parent, content["status"], content["ended"])


def _point(
    store: Any, experiment: str, parent: str, content: Mapping[str, Any], point: Mapping[str, Any]
) -> None:
    tags = {
        "mlflow.parentRunId": parent,
        "workbench.id": content["id"],
        "workbench.command": point["command"],
        "workbench.report": str(point["report"]),
        "workbench.how": str(point["how"]),
    }
    run = _begin(store, experiment, f"point-{point['number']:03d}", tags, content["started"])
    _values(store, run, point["values"], point["metrics"])
    _end(store, run, point["status"], content["ended"])


def _begin(store: Any, experiment: str, name: str, tags: Mapping[str, str], started: str) -> str:
    run = store.create_run(experiment, start_time=_moment(started), tags=dict(tags), run_name=name)
    return str(run.info.run_id)


def _values(store: Any, run: str, params: Mapping[str, Any], metrics: Mapping[str, Any]) -> None:
    from mlflow.entities import Metric, Param

    now = round(time.time() * 1000)
    numbers = {k: v for k, v in metrics.items() if isinstance(v, int | float) and math.isfinite(v)}
    measured = [Metric(name, float(value), now, 0) for name, value in list(numbers.items())[:_MOST_METRICS]]
    given = [Param(name, str(value)[:6000]) for name, value in params.items()]  # type: ignore[no-untyped-call]
    store.log_batch(run, measured, given)


def _end(store: Any, run: str, status: str, ended: str | None) -> None:
    store.set_terminated(run, _STATES.get(status, "FAILED"), _moment(ended) if ended else None)


def _moment(iso: str) -> int:
    return int(datetime.fromisoformat(iso).timestamp() * 1000)


def _experiment(store: Any, runs: Path, name: str) -> str:
    found = store.get_experiment_by_name(name)
    if found:
        return str(found.experiment_id)
    return str(store.create_experiment(name, artifact_location=(runs / "mlflow-artifacts").as_uri()))
