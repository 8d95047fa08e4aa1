"""A search by AutoML over the use case's own training rows: a baseline that no Core Script makes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from operation.engine.configuration import Configuration
from operation.engine.configuration.models import Automl
from operation.engine.foundation.errors import ConfigurationError, Problem, StepFailed
from operation.engine.foundation.layout import Layout
from operation.engine.identity.digests import Digests
from operation.execution.job_files import INPUTS, upload
from operation.execution.remote_session import RemoteRunner
from operation.execution.run_log import follow

if TYPE_CHECKING:
    from azureml.core import Run
    from azureml.data import TabularDataset
    from azureml.train.automl import AutoMLConfig

# our metrics -> AutoML's; both are measured on the same rows, the holdout
METRICS = {
    "roc_auc": "AUC_weighted",
    "log_loss": "log_loss",
    "accuracy": "accuracy",
    "rmse": "root_mean_squared_error",
    "mae": "mean_absolute_error",
    "r2": "r2_score",
}


@dataclass(frozen=True)
class Baseline:
    """The best model of an AutoML search."""

    run: str  # its run in Azure ML
    algorithm: str
    metrics: Mapping[str, float]  # on the holdout, under our names

    def rows(self, own: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return each metric that both have: name, AutoML's value, the value of the use case's model."""
        shared = [name for name in self.metrics if isinstance(own.get(name), float)]
        return [{"metric": name, "automl": self.metrics[name], "model": own[name]} for name in shared]


def settings(layout: Layout, configured: Configuration) -> Automl:
    """Return the section ``automl`` of the use case."""
    if configured.automl is None:
        file = layout.relative(layout.configuration / f"configuration-{configured.use_case}.yml")
        message = "key 'automl' is missing: it names the tables that AutoML trains on and is evaluated on."
        raise ConfigurationError([Problem(file, 1, message)])
    return configured.automl


def configuration(remote: RemoteRunner, wanted: Automl, training: Path, holdout: Path) -> AutoMLConfig:
    """Return the search: the holdout is its validation data."""
    import azureml.core  # noqa: F401 - imported after azureml.train it prints a circular import
    from azureml.train.automl import AutoMLConfig

    return AutoMLConfig(
        task=wanted.task,
        path=str(_empty(remote.layout)),  # by default all of the working folder would be sent
        primary_metric=wanted.metric,
        training_data=table(remote, "training", training),
        validation_data=table(remote, "holdout", holdout),
        label_column_name=wanted.label,
        iterations=wanted.iterations,
        experiment_timeout_hours=wanted.minutes / 60,
        compute_target=remote.target,
        enable_early_stopping=True,
        model_explainability=False,
        debug_log=str(remote.layout.runs / "automl.log"),
    )


def _empty(layout: Layout) -> Path:
    """Return a folder without a script: AutoML brings its own."""
    folder = layout.runs / "snapshots" / "automl"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def table(remote: RemoteRunner, name: str, folder: Path) -> TabularDataset:
    """Upload the Parquet tables of an output and return them as a dataset."""
    from azureml.core import Dataset

    digest = Digests(remote.layout.runs / "digests.db").of(folder).digest
    upload(remote.datastore, name, folder, digest)
    path = (remote.datastore, f"{INPUTS}/{digest}/*.parquet")
    return Dataset.Tabular.from_parquet_files(path, validate=False)


def submit(remote: RemoteRunner, wanted: Automl, training: Path, holdout: Path) -> Baseline:
    """Search, wait, and return the best model."""
    from azureml.core import Experiment

    search = configuration(remote, wanted, training, holdout)
    experiment = Experiment(remote.workspace, remote.configured.use_case)
    run = experiment.submit(search, show_output=False)
    remote.say(f"automl: run {run.id} on {remote.target}, {wanted.iterations} iterations")
    details, _ = follow(run, lambda line: remote.say(f"  {line}"))
    if details["status"] != "Completed":
        raise StepFailed(f"automl: run {run.id} ended as {details['status']}: {details.get('error')}")
    return best(run, wanted.metric)


def best(run: Run, metric: str) -> Baseline:
    """Return the best of the models that a search tried."""
    child = run.get_best_child(metric)
    measured = child.get_metrics() if child is not None else {}
    if metric not in measured:
        raise StepFailed(f"automl: run {run.id} has no model with the metric {metric}")
    metrics = {name: float(measured[theirs]) for name, theirs in METRICS.items() if theirs in measured}
    return Baseline(child.id, str(child.properties.get("run_algorithm", "")), metrics)
