"""What of Azure ML is emulated, by area: what is real, what differs, and the tests that show it."""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType


@dataclass(frozen=True)
class Area:
    """One folder of the room."""

    faithful: str
    differs: str
    tests: tuple[str, ...]  # in tests/operation/emulator: they drive the unmodified SDK


AREAS = {
    "access": Area(
        "The SDK's login with a service principal or a managed identity, signed tokens that expire.",
        "Any workspace, group and subscription exists once it is asked for, but for names that begin with "
        "'missing'. One client, no roles, no interactive login.",
        ("test_workspace", "test_server", "test_telemetry"),
    ),
    "history": Area(
        "Experiments, runs, metrics, artifacts; blobs with the account's key, signed addresses and ranges.",
        "Blobs are plain files: no snapshots, leases or tiers. Metrics are not thinned out.",
        ("test_history", "test_blobs", "test_filters"),
    ),
    "jobs": Area(
        "Scripts and commands run in processes of their own, in environments that are built with uv. "
        "HyperDrive runs every child.",
        "No images and one node. HyperDrive ends no child early; Bayesian sampling draws at random. "
        "Spark runs where pyspark and Java are; elsewhere a submission is checked only.",
        ("test_execution", "test_execution_environment", "test_hyperdrive", "test_spark", "test_samples"),
    ),
    "assets": Area(
        "Models, environments, datasets with the SDK's native engine, datastores, secrets.",
        "Compute targets are descriptions: all of them are this machine. Datastores outside of it are "
        "registered, not mounted.",
        ("test_assets", "test_models", "test_datasets"),
    ),
    "pipelines": Area(
        "Script and command steps run as jobs, with reuse, drafts, publication, endpoints and schedules.",
        "Other kinds of steps are refused by name. Datastores are polled in seconds instead of minutes.",
        ("test_pipelines", "test_pipeline_drafts", "test_published", "test_recurrence"),
    ),
    "automl": Area(
        "Classification and regression are searched by FLAML with LightGBM and scikit-learn.",
        "At most 20 trials and 120 seconds; one preparation of columns; no forecasting, no ensembles, "
        "no explanations.",
        ("test_automl",),
    ),
    "mlflow": Area(
        "MLflow's client tracks runs and registers models with azureml-mlflow, in the same history.",
        "No page tokens: a search gives all that it finds.",
        ("test_mlflow",),
    ),
    "services": Area(
        "Web services of ACI and AKS answer with Azure ML's own inference server, behind keys and traffic.",
        "A process instead of a container; packages are written, not built.",
        ("test_deployment", "test_endpoint"),
    ),
    "pages": Area("These pages.", "Azure ML Studio has far more.", ("test_pages",)),
}


def area_of(module: ModuleType) -> str:
    """Return the area that a module of the room belongs to."""
    return module.__name__.removeprefix(f"{__package__}.").partition(".")[0]
