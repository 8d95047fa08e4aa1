"""The process that logs runs and sweeps to MLflow: ``python -m operation.engine.runs.mlflow_log <uri>``.

The manifests' names come on standard input. What is new in one is logged at once: the command that executes
notebooks waits for the last of it.
"""

import gc
import json
import os
import sys
import time
import warnings
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from itertools import takewhile
from pathlib import Path
from typing import Any

from operation.engine.foundation.files import lock

_POLITE = 5  # notebooks come first, and a busy machine still lets this end soon after them
_LOCAL = ("sqlite:", "file:")
_STATES = {"succeeded": "FINISHED", "running": "RUNNING", "interrupted": "KILLED", "pending": "SCHEDULED"}
_BATCH = 100  # parameters, and metrics, that MLflow takes at once (it takes 1000 metrics)


def main(uri: str) -> None:
    """Log every manifest that is named on standard input, to the MLflow store at `uri`."""
    if hasattr(os, "nice"):
        os.nice(_POLITE)
    gc.disable()  # a quarter of what follows; this process is short
    if uri.startswith(_LOCAL):  # MLflow would load its plugin of Azure ML: nothing local imports Azure's SDK
        sys.modules["azureml.mlflow"] = None  # type: ignore[assignment]  # the documented way to forbid it
    with _alone(uri):
        logger = Logger(open_store(uri))
    for line in sys.stdin:
        logger.log(Path(line.strip()))
    gc.freeze()  # else the interpreter's end looks through all of MLflow: half the time of importing it


def open_store(uri: str) -> Any:
    """Return MLflow's client of the store at `uri`; a new SQLite file has its tables then."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Failure attempting to register")
        import mlflow

        mlflow.set_tracking_uri(uri)
        client = mlflow.MlflowClient()
        client.search_experiments(max_results=1)
    return client


def _alone(uri: str) -> AbstractContextManager[None]:
    """Hold the lock that ``src/register.py`` holds too: two first uses of a SQLite file break each other."""
    file = uri.partition("sqlite:///")[2]
    return lock(Path(f"{Path(file).absolute()}.lock")) if file else nullcontext()


class Logger:
    """One MLflow run for each training, with what is measured of its model; one for a sweep and a point."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.trainings: dict[str, str] = {}  # key of a training -> its MLflow run
        self.logged: set[str] = set()
        self.experiments: dict[str, str] = {}  # use case -> number of its experiment
        self.sweep = ""  # the MLflow run of a sweep
        self.points: set[int] = set()  # numbers of its points that are logged

    def log(self, path: Path) -> None:
        """Log what is new in a manifest."""
        content = json.loads(path.read_text(encoding="utf-8"))
        if content.get("kind") == "sweep":
            self._sweep(path.parents[2], content)
        else:
            self._run(path.parents[1], content)

    def _run(self, runs: Path, content: Mapping[str, Any]) -> None:
        for step in _settled(content):
            if step["key"] not in self.logged and step["how"] != "failed":
                self.logged.add(step["key"])
                self._step(runs, content, step)
        if content["status"] != "running":
            for run in self.trainings.values():
                self._end(run, content["status"])

    def _step(self, runs: Path, content: Mapping[str, Any], step: Mapping[str, Any]) -> None:
        if "model" in step["outputs"]:
            self.trainings[step["key"]] = self._training(runs, content, step["key"])
        command = " ".join(step["argv"])
        for run in [run for key, run in self.trainings.items() if key in command or key == step["key"]]:
            self._values(
                run, {}, {f"{step['step']}.{name}": value for name, value in step["metrics"].items()}
            )
            for output in set(step["outputs"]) & {"model", "report"}:
                source = runs / "store" / step["key"] / output
                self.client.log_artifacts(run, str(source), f"{step['step']}/{output}")

    def _training(self, runs: Path, content: Mapping[str, Any], key: str) -> str:
        tags = _tags(content, "id", "environment", "commit", "dirty", "command", "host", "python")
        run = self._begin(runs, content, key[:12], {**tags, "workbench.key": key})
        stored = json.loads((runs / "store" / key / "manifest.json").read_text(encoding="utf-8"))
        self._values(run, stored["components"]["arguments"], {})
        return run

    def _sweep(self, runs: Path, content: Mapping[str, Any]) -> None:
        """Log what is new in a sweep; points that were executed in an earlier attempt are logged again."""
        if not self.sweep:
            tags = {**_tags(content, "id", "environment", "commit", "command"), "workbench.kind": "sweep"}
            self.sweep = self._begin(runs, content, content["id"], tags)
        for point in _settled_points(content):
            if point["number"] not in self.points:
                self.points.add(point["number"])
                self._point(runs, content, point, self.sweep)
        if content["status"] != "running":
            best = next((point for point in content["points"] if point["number"] == content["best"]), None)
            facts = {name: content[name] for name in ("notebook", "metric")}
            self._values(self.sweep, facts, best["metrics"] if best else {})
            self._end(self.sweep, content["status"], content["ended"])

    def _point(self, runs: Path, content: Mapping[str, Any], point: Mapping[str, Any], parent: str) -> None:
        tags = {**_tags(content, "id"), **_tags(point, "command", "report", "how")}
        name = f"point-{point['number']:03d}"
        run = self._begin(runs, content, name, {**tags, "mlflow.parentRunId": parent})
        self._values(run, point["values"], point["metrics"])
        self._end(run, point["status"], content["ended"])

    def _begin(self, runs: Path, content: Mapping[str, Any], name: str, tags: Mapping[str, str]) -> str:
        """Begin an MLflow run in the experiment of the use case, which is made when there is none."""
        number = self._experiment(runs, content["use_case"])
        run = self.client.create_run(number, _milliseconds(content.get("started")), dict(tags), name)
        return str(run.info.run_id)

    def _experiment(self, runs: Path, use_case: str) -> str:
        if use_case not in self.experiments:
            found = self.client.get_experiment_by_name(use_case)
            artifacts = (runs / "mlflow-artifacts").as_uri()
            self.experiments[use_case] = (
                found.experiment_id
                if found
                else self.client.create_experiment(use_case, artifact_location=artifacts)
            )
        return self.experiments[use_case]

    def _values(self, run: str, params: Mapping[str, Any], metrics: Mapping[str, Any]) -> None:
        from mlflow import entities

        kinds: Any = entities
        now = round(time.time() * 1000)
        parameters = [kinds.Param(name, str(value)[:6000]) for name, value in params.items()]
        numbers = {name: float(value) for name, value in metrics.items() if isinstance(value, int | float)}
        measured = [kinds.Metric(name, value, now, 0) for name, value in numbers.items()]
        for start in range(0, max(len(parameters), len(measured)), _BATCH):
            part = slice(start, start + _BATCH)
            self.client.log_batch(run, metrics=measured[part], params=parameters[part])

    def _end(self, run: str, status: str, ended: str | None = None) -> None:
        self.client.set_terminated(run, _STATES.get(status, "FAILED"), _milliseconds(ended))


def _settled(content: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the steps before which none can come any more: notebooks end in any order."""
    if content["status"] != "running":
        return list(content["steps"])
    done = takewhile(lambda entry: entry["status"] != "pending", content["notebooks"])
    keys = {key for entry in done for key in entry["step_keys"]}
    return [step for step in content["steps"] if step["key"] in keys]


def _settled_points(content: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the points that ended; while others are executed, those before the first that has not."""
    if content["status"] == "running":
        return list(takewhile(lambda point: point["status"] != "pending", content["points"]))
    return [point for point in content["points"] if point["status"] != "pending"]


def _tags(content: Mapping[str, Any], *names: str) -> dict[str, str]:
    return {f"workbench.{name}": str(content[name]) for name in names}


def _milliseconds(moment: str | None) -> int | None:
    return int(datetime.fromisoformat(moment).timestamp() * 1000) if moment else None


if __name__ == "__main__":
    main(sys.argv[1])
