"""Data of a step on Azure ML, three ways; in all of them the Core Script sees a path.

1. The Core Script opens it itself: `source` gives the argument, ``--remote dataset:<name>:<version>``.
2. The job is given it: `as_input` gives what stands in a job's arguments for a mounted or downloaded path.
3. The Core Script reads a blob with a credential from the key vault: `share_credential` stores it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from operation.engine.foundation.errors import UsageError
from operation.engine.foundation.layout import project
from operation.engine.foundation.nearest import did_you_mean
from operation.engine.identity.digests import Digests
from operation.execution.job_files import upload

if TYPE_CHECKING:
    from azureml.core import Workspace
    from azureml.data import FileDataset
    from azureml.data.dataset_consumption_config import DatasetConsumptionConfig

DIGEST = "sha256"  # the tag that identifies content


def publish(workspace: Workspace, name: str, path: Path, description: str = "") -> FileDataset:
    """Register a file or folder as a version of the dataset `name`, unless its newest one holds the same."""
    from azureml.core import Dataset

    if not path.exists():
        raise UsageError(f"{path} does not exist: name a file or folder to publish as dataset '{name}'.")
    digest = content_digest(path)
    newest = _newest(workspace, name)
    if newest is not None and newest.tags.get(DIGEST) == digest:
        return newest
    store = workspace.get_default_datastore()
    path_on_datastore = upload(store, name, path, digest).path_on_datastore
    files: FileDataset = Dataset.File.from_files((store, path_on_datastore), validate=False)
    return files.register(workspace, name, description, tags={DIGEST: digest}, create_new_version=True)


def content_digest(path: Path) -> str:
    """Return the SHA-256 by which a Core Script checks the same data with ``--remote-digest``."""
    content = Digests(project().runs / "digests.db").of(path)
    return next(iter(content.files.values())) if len(content.files) == 1 else content.digest


def dataset(workspace: Workspace, name: str, version: int | None = None) -> FileDataset:
    """Return a registered dataset: its newest version, or the one asked for."""
    from azureml.core import Dataset
    from azureml.exceptions import UserErrorException

    try:
        registered: FileDataset = Dataset.get_by_name(workspace, name, version or "latest")
    except UserErrorException as error:
        names = [dataset.name for dataset in Dataset.get_all(workspace).registrations]
        wanted = name if version is None else f"{name}:{version}"
        hint = did_you_mean(name, names)
        raise UsageError(f"workspace {workspace.name} has no dataset '{wanted}'.{hint}") from error
    return registered


def source(registered: FileDataset) -> str:
    """Return the argument by which a Core Script opens a registered dataset itself, its version fixed."""
    if not registered.name:
        raise UsageError("this dataset has no name to open it by. Register it first.")
    return f"dataset:{registered.name}:{registered.version}"


def as_input(
    registered: FileDataset, name: str, mode: Literal["mount", "download"] = "mount"
) -> DatasetConsumptionConfig:
    """Return what stands for a dataset in the arguments of a job: there it becomes a path."""
    job_input = registered.as_named_input(name.replace("-", "_"))
    return job_input.as_mount() if mode == "mount" else job_input.as_download()


def share_credential(workspace: Workspace, secret: str, value: str) -> list[str]:
    """Store the credential of a storage account in the key vault; return the arguments that name it."""
    workspace.get_default_keyvault().set_secret(secret, value)
    return ["--credential-secret", secret]


def _newest(workspace: Workspace, name: str) -> FileDataset | None:
    try:
        return dataset(workspace, name)
    except UsageError:
        return None
