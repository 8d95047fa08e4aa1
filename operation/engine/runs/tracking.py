"""Logs a run to MLflow from a process of its own: its import is never in the way of a notebook."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Self

from operation.engine.configuration import Configuration
from operation.engine.layout import Layout

DEFAULT_URI = "sqlite:///runs/mlflow.db"
_STATES = {"succeeded": "FINISHED", "running": "RUNNING", "interrupted": "KILLED"}


class Tracker:
    """A child process that logs manifests as they grow.

    Parameters
    ----------
    layout : Layout
        The project's folders.
    configured : Configuration
        Its variable TRACKINGURI says where to; the embedded store if it says nothing.
    """

    def __init__(self, layout: Layout, configured: Configuration) -> None:
        uri = str(configured.variables.get("TRACKINGURI") or DEFAULT_URI)
        (layout.runs).mkdir(exist_ok=True)
        self._log = (layout.runs / "tracking.log").open("w", encoding="utf-8")
        self._child = subprocess.Popen(
            [sys.executable, "-m", "operation.engine.runs.tracking", uri],
            stdin=subprocess.PIPE,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            cwd=layout.root,
            env={
                **os.environ,
                "PYTHONPATH": str(Path(__file__).parents[3]),
                "MLFLOW_DISABLE_TELEMETRY": "true",
            },
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def log(self, run_manifest: Path) -> None:
        """Have the manifest, as it stands now, logged in the background."""
        assert self._child.stdin is not None  # noqa: S101 - asked for above
        try:
            self._child.stdin.write(f"{run_manifest.resolve()}\n")
            self._child.stdin.flush()
        except OSError:  # it ended early: __exit__ says so
            return

    def __exit__(self, *error: object) -> None:
        self._child.communicate()
        self._log.close()
        if self._child.returncode:
            print(f"warning: MLflow was not told of this run; see {self._log.name}", file=sys.stderr)


def main(uri: str) -> None:
    """Log every manifest that is named on standard input, to the MLflow store at `uri`."""
    if hasattr(os, "nice"):
        os.nice(10)  # the notebook comes first
    import mlflow

    mlflow.set_tracking_uri(uri)
    with _alone(uri):
        logger = _Logger(mlflow.MlflowClient())
    for line in sys.stdin:
        path = Path(line.strip())
        logger.log(path.parent, json.loads(path.read_text(encoding="utf-8")))


@contextmanager
def _alone(uri: str) -> Iterator[None]:
    """Hold the lock that ``src/register.py`` holds too: two first uses of a SQLite file break each other."""
    file = uri.partition("sqlite:///")[2]
    if not file:
        yield
        return
    with closing(sqlite3.connect(f"{Path(file).absolute()}.lock", timeout=60, isolation_level=None)) as lock:
        lock.execute("BEGIN EXCLUSIVE")
        yield


class _Logger:
    """One MLflow run for each training; what is measured of its model goes to the same run."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.client.search_experiments(max_results=1)  # a new SQLite file migrates now, not at the first log
        self.trainings: dict[str, str] = {}  # key of a training -> its MLflow run
        self.logged: set[str] = set()

    def log(self, folder: Path, content: dict[str, Any]) -> None:
        for step in content["steps"]:
            if step["key"] not in self.logged and step["how"] != "failed":
                self.logged.add(step["key"])
                self._step(folder, content, step)
        if content["status"] != "running":
            for run_id in self.trainings.values():
                self.client.set_terminated(run_id, _STATES.get(content["status"], "FAILED"))

    def _step(self, folder: Path, content: dict[str, Any], step: dict[str, Any]) -> None:
        if "model" in step["outputs"]:
            self.trainings[step["key"]] = self._begin(folder, content, step)
        words = " ".join(step["argv"])
        for key in [key for key in self.trainings if key in words or key == step["key"]]:
            self._metrics(self.trainings[key], step)
            for output in set(step["outputs"]) & {"model", "report"}:
                source = folder.parent / "store" / step["key"] / output
                self.client.log_artifacts(self.trainings[key], str(source), f"{step['step']}/{output}")

    def _begin(self, folder: Path, content: dict[str, Any], step: dict[str, Any]) -> str:
        names = ("id", "environment", "commit", "dirty", "command", "host", "python")
        tags = {f"workbench.{name}": str(content[name]) for name in names}
        experiment = self._experiment(folder.parent, content["use_case"])
        run = self.client.create_run(
            experiment, run_name=step["key"][:12], tags={**tags, "workbench.key": step["key"]}
        )
        record = json.loads(
            (folder.parent / "store" / step["key"] / "manifest.json").read_text(encoding="utf-8")
        )
        for argument, value in record["components"]["arguments"].items():
            self.client.log_param(run.info.run_id, argument, str(value)[:6000])
        return str(run.info.run_id)

    def _experiment(self, runs: Path, name: str) -> str:
        found = self.client.get_experiment_by_name(name)
        if found:
            return str(found.experiment_id)
        return str(
            self.client.create_experiment(name, artifact_location=(runs / "mlflow-artifacts").as_uri())
        )

    def _metrics(self, run_id: str, step: dict[str, Any]) -> None:
        for metric, value in step["metrics"].items():
            if isinstance(value, int | float):
                self.client.log_metric(run_id, f"{step['step']}.{metric}", value)


if __name__ == "__main__":
    main(sys.argv[1])
