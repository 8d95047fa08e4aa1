"""The process that logs runs to MLflow: ``python -m operation.engine.runs.mlflow_log <uri>``.

The manifests' names come on standard input. Little is imported, and a step is logged at once: the command
that runs notebooks waits for the last of it.
"""

from __future__ import annotations

import gc
import json
import os
import sqlite3
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from operation.engine.reports.quick_imports import without

_POLITE = 5  # the notebook comes first, and a busy machine still lets this end soon after it
_LOCAL = ("sqlite:", "file:")
# Most of the time of importing MLflow; without the first two it is what mlflow-skinny is. The plugin of
# Azure ML is for addresses that are Azure's.
_NOT_LOCALLY = ("numpy", "pandas", "aiohttp", "azureml.mlflow")
_STATES = {"succeeded": "FINISHED", "running": "RUNNING", "interrupted": "KILLED"}
_BATCH = 100  # parameters, and metrics, that MLflow takes at once (it takes 1000 metrics)


def main(uri: str) -> None:
    """Log every manifest that is named on standard input, to the MLflow store at `uri`."""
    if hasattr(os, "nice"):
        os.nice(_POLITE)
    gc.disable()  # a quarter of what follows; this process is short
    with _alone(uri):
        logger = Logger(client(uri))
    for line in sys.stdin:
        path = Path(line.strip())
        logger.log(path.parent, json.loads(path.read_text(encoding="utf-8")))


def client(uri: str) -> Any:
    """Return MLflow's client of the store at `uri`, the store opened.

    A new SQLite file gets its tables now, not at the first log.
    """
    with without(_NOT_LOCALLY if uri.startswith(_LOCAL) else ()), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Failure attempting to register")
        import mlflow

        mlflow.set_tracking_uri(uri)
        found = mlflow.MlflowClient()
        found.search_experiments(max_results=1)
    return found


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


class Logger:
    """One MLflow run for each training; what is measured of its model goes to the same run.

    Parameters
    ----------
    client : MlflowClient
        Of the store.
    """

    def __init__(self, client: Any) -> None:
        self.client = client
        self.trainings: dict[str, str] = {}  # key of a training -> its MLflow run
        self.logged: set[str] = set()

    def log(self, folder: Path, content: dict[str, Any]) -> None:
        """Log what is new in a run's manifest, `content`; its folder is `folder`."""
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
        self._parameters(run.info.run_id, folder.parent / "store" / step["key"] / "manifest.json")
        return str(run.info.run_id)

    def _experiment(self, runs: Path, name: str) -> str:
        found = self.client.get_experiment_by_name(name)
        if found:
            return str(found.experiment_id)
        return str(
            self.client.create_experiment(name, artifact_location=(runs / "mlflow-artifacts").as_uri())
        )

    def _parameters(self, run_id: str, stored: Path) -> None:
        from mlflow import entities

        parameter: Any = entities.Param

        arguments = json.loads(stored.read_text(encoding="utf-8"))["components"]["arguments"]
        found = [parameter(argument, str(value)[:6000]) for argument, value in arguments.items()]
        for start in range(0, len(found), _BATCH):
            self.client.log_batch(run_id, params=found[start : start + _BATCH])

    def _metrics(self, run_id: str, step: dict[str, Any]) -> None:
        from mlflow.entities import Metric

        now = round(time.time() * 1000)
        found = [
            Metric(f"{step['step']}.{metric}", float(value), now, 0)
            for metric, value in step["metrics"].items()
            if isinstance(value, int | float)
        ]
        for start in range(0, len(found), _BATCH):
            self.client.log_batch(run_id, metrics=found[start : start + _BATCH])


if __name__ == "__main__":
    main(sys.argv[1])
    sys.stdout.flush()
    os._exit(0)  # all is logged; to take MLflow apart would take as long as half of importing it
