"""A search as runs: the parent, the job that searches, and a child for each trial that ends."""

import json
import math
import sys
import threading
import uuid
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from operation.emulator.automl.automl_learners import PREPARATION
from operation.emulator.automl.automl_metrics import loss
from operation.emulator.automl.automl_search import SPECIFICATION, TRIALS
from operation.emulator.history import artifacts, runs
from operation.emulator.history.metrics import add_scalar
from operation.emulator.jobs.execution import Jobs
from operation.emulator.jobs.execution_job import JobDefinition, job_folder
from operation.emulator.service import Service
from operation.emulator.state import Document, State, now, shaped

LONGEST = 120.0  # seconds: Azure's shortest search is a quarter of an hour, which is too long to wait for
MOST = 20  # trials
MODEL = "outputs/model.pkl"
_ROOT = Path(__file__).parents[3]
_MOMENT = 0.2
_PACKAGES = ("azureml-train-automl-client", "scikit-learn", "lightgbm", "pandas", "numpy")
# the job's own script: it is the SDK that reads the data, with all that a dataset does to its rows
_SCRIPT = '''"""Searches for a model."""

from azureml.core import Dataset, Run

from operation.emulator.automl.automl_search import search

WORKSPACE = Run.get_context().experiment.workspace
search(lambda identity: Dataset.get_by_id(WORKSPACE, identity).to_pandas_dataframe())
'''


@dataclass(frozen=True)
class Specification:
    """What is searched for."""

    task: str
    metric: str
    settings: dict[str, Any]
    data: dict[str, str]

    @property
    def iterations(self) -> int:
        """Return how many trials there are at most."""
        return min(int(self.settings.get("iterations") or MOST), MOST)

    @property
    def seconds(self) -> float:
        """Return how long the search may take."""
        minutes = self.settings.get("experiment_timeout_minutes")
        return min(float(minutes) * 60 if minutes else LONGEST, LONGEST)

    def document(self) -> Document:
        """Return it as the job reads it."""
        settings = self.settings
        return {
            "task": self.task,
            "metric": self.metric,
            "label": settings["label_column_name"],
            "weight": settings.get("weight_column_name"),
            "training": self.data["training_data"],
            "validation": self.data.get("validation_data"),
            "iterations": self.iterations,
            "seconds": self.seconds,
            "folds": settings.get("n_cross_validations"),
            "share": settings.get("validation_size") or None,
            "allowed": settings.get("whitelist_models"),
            "blocked": settings.get("blacklist_algos") or settings.get("blacklist_models"),
            "exit_score": settings.get("experiment_exit_score"),
        }


def resume(service: Service, state: State, run_id: str, requested: Specification) -> None:
    """Follow a search again that a service before this one began."""
    experiment = runs.known_run(state, run_id)["experimentName"]
    collector = TrialCollector(service, state, experiment, run_id, requested)
    threading.Thread(target=collector.run, name=run_id, daemon=True).start()


def worker(run_id: str) -> str:
    """Return the run of the job that searches."""
    return f"{run_id}_worker_0"


def start(service: Service, state: State, experiment: str, run_id: str, requested: Specification) -> None:
    """Start the search; returns at once."""
    folder = job_folder(service, worker(run_id)) / "work"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / SPECIFICATION).write_text(json.dumps(requested.document(), indent=1), encoding="utf-8")
    (folder / "search.py").write_text(_SCRIPT, encoding="utf-8")
    paths = {"PYTHONPATH": str(_ROOT)}
    limit = requested.seconds + 300  # a trial that never ends is ended
    job = JobDefinition(None, "search.py", [], paths, python=Path(sys.executable), time_limit=limit)
    target = runs.known_run(state, run_id)["target"]
    properties = {"azureml.runsource": "automl_worker", "runTemplate": "automl_worker"}
    fields: Document = {"parentRunId": run_id, "target": target, "properties": properties}
    runs.record(state, experiment, worker(run_id), {**fields, "displayName": "search"})
    dataset = {"dataset_id": requested.data["training_data"], "subsampling": False, "is_gpu": False}
    installed = json.dumps({name: version(name) for name in _PACKAGES})
    facts = {"ProblemInfoJsonString": json.dumps(dataset), "dependencies_versions": installed}
    runs.record(state, experiment, run_id, {"properties": facts})
    runs.status(state, run_id, "Running")
    service.part(Jobs).submit(state, experiment, worker(run_id), job)
    following = TrialCollector(service, state, experiment, run_id, requested)
    threading.Thread(target=following.run, name=run_id, daemon=True).start()


def cancel(service: Service, state: State, run_id: str) -> None:
    """Stop the search; the trials that ended stay."""
    runs.known_run(state, run_id)
    runs.status(state, run_id, "CancelRequested")
    service.part(Jobs).cancel(worker(run_id))


class TrialCollector:
    """Makes runs of trials while the job searches, and ends the parent when it does."""

    def __init__(
        self, service: Service, state: State, experiment: str, run_id: str, requested: Specification
    ) -> None:
        self._service, self._state, self._experiment = service, state, experiment
        self._run_id, self._wanted = run_id, requested
        self._trials = job_folder(service, worker(run_id)) / "work" / TRIALS
        self._count = 0
        self._best: tuple[float, str] | None = None

    def run(self) -> None:
        """Follow the job to its end."""
        while (searched := runs.known_run(self._state, worker(self._run_id)))["status"] not in runs.ENDED:
            self._service.part(Jobs).wait(worker(self._run_id), _MOMENT)
            self._take_over()
        self._take_over()
        status = searched["status"]
        if status == "Failed" and self._best is None:
            problem = {"properties": {"errors": runs.message_of(searched)}}
            runs.record(self._state, self._experiment, self._run_id, problem)
            runs.status(self._state, self._run_id, "Failed", searched["error"])
            return
        tags = {"_aml_system_automl_status": "Canceled" if status == "Canceled" else "Completed"}
        tags["iterations"] = str(self._count)
        runs.record(self._state, self._experiment, self._run_id, {"tags": tags})
        runs.status(self._state, self._run_id, "Canceled" if status == "Canceled" else "Completed")

    def _take_over(self) -> None:
        while (self._trials / str(self._count)).is_dir():
            self._child(self._trials / str(self._count))
            self._count += 1

    def _child(self, trial: Path) -> None:
        record = json.loads((trial / "trial.json").read_text(encoding="utf-8"))
        child, score = f"{self._run_id}_{self._count}", record["metrics"][self._wanted.metric]
        parent = runs.known_run(self._state, self._run_id)
        configuration = json.dumps(record["configuration"])
        properties = shaped(
            "run of an AutoML trial",
            number=str(self._count),
            pipeline=uuid.uuid5(uuid.NAMESPACE_OID, configuration).hex,
            preparation=PREPARATION,
            learner=record["configuration"]["learner"],
            configuration=configuration,
            metric=self._wanted.metric,
            score=str(score),
            model=MODEL,
            short=self._run_id.removeprefix("AutoML_")[:8],
            packages=parent["properties"].get("dependencies_versions", "{}"),
        )
        fields: Document = {"parentRunId": self._run_id, "target": parent["target"], "properties": properties}
        fields |= {"startTimeUtc": _azure(record["began"]), "runType": None}
        runs.record(self._state, self._experiment, child, fields)
        self._keep(child, trial, record)
        runs.status(self._state, child, "Completed")
        runs.record(self._state, self._experiment, child, {"endTimeUtc": _azure(record["ended"])})
        self._compare(child, score, record)

    def _keep(self, child: str, trial: Path, record: Document) -> None:
        model = (trial / "model.pkl").read_bytes()
        container = (self._service, self._state.name, "ExperimentRun", f"dcid.{child}")
        artifacts.store(*container, MODEL, data=model)
        self._state.put("metrics", child, _metrics(record["metrics"]))

    def _compare(self, child: str, score: float, record: Document) -> None:
        value = loss(self._wanted.metric, score)
        if self._best and value >= self._best[0]:
            return
        self._best = (value, child)
        tags = {"automl_best_child_run_id": child, "best_score": str(score)}
        tags["best_pipeline"] = f"{PREPARATION}, {record['configuration']['learner']}"
        runs.record(self._state, self._experiment, self._run_id, {"tags": tags})
        self._state.put("metrics", self._run_id, _metrics(record["metrics"]))


def _metrics(values: dict[str, float]) -> Document:
    """Return scalars as a run logs them."""
    metrics: Document = {}
    for name, value in values.items():
        if not math.isnan(value):  # JSON has no word for it
            add_scalar(metrics, name, value, now())
    return metrics


def _azure(iso: str) -> str:
    return iso.replace("+00:00", "Z")
