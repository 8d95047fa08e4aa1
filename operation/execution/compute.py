"""Compute targets: created or attached when they are missing."""

from __future__ import annotations

import io
import os
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any

from operation.engine.configuration.models import ClusterCompute, LocalCompute, RemoteCompute, SparkCompute
from operation.engine.configuration.targets import Compute
from operation.engine.foundation.errors import UsageError

if TYPE_CHECKING:
    from azureml.core import ComputeTarget, Workspace


def target(workspace: Workspace, compute: Compute) -> str:
    """Return the name of the compute target, which exists when this returns; ``local`` for this machine."""
    if isinstance(compute.settings, LocalCompute):
        return "local"
    if find(workspace, compute.name) is None:
        create(workspace, compute)
    return compute.name


def find(workspace: Workspace, name: str) -> ComputeTarget | None:
    """Return the compute target called `name`, or None."""
    from azureml.core.compute import ComputeTarget
    from azureml.core.compute_target import ComputeTargetException

    try:
        return ComputeTarget(workspace, name)
    except ComputeTargetException as error:
        if "ComputeTargetNotFound" in str(error) or "not found" in str(error).lower():
            return None
        raise


def create(workspace: Workspace, compute: Compute) -> ComputeTarget:
    """Create or attach the compute target and wait until it exists."""
    from azureml.core.compute import ComputeTarget

    settings = compute.settings
    if isinstance(settings, ClusterCompute):
        target = ComputeTarget.create(workspace, compute.name, _cluster(settings))
    else:
        target = ComputeTarget.attach(workspace, compute.name, _attachment(settings))
    with redirect_stdout(io.StringIO()):  # it prints how it ended all the same
        target.wait_for_completion(show_output=False)
    return target


def _cluster(settings: ClusterCompute) -> Any:
    from azureml.core.compute import AmlCompute

    return AmlCompute.provisioning_configuration(
        vm_size=settings.vm_size,
        vm_priority=settings.priority,
        min_nodes=settings.min_nodes,
        max_nodes=settings.max_nodes,
        idle_seconds_before_scaledown=settings.idle_seconds_before_scaledown,
    )


def _attachment(settings: RemoteCompute | SparkCompute | LocalCompute) -> Any:
    from azureml.core.compute import HDInsightCompute, RemoteCompute

    if isinstance(settings, LocalCompute):
        raise UsageError("this machine is no compute target that can be created.")
    kind = HDInsightCompute if isinstance(settings, SparkCompute) else RemoteCompute
    return kind.attach_configuration(
        address=settings.address,
        ssh_port=settings.ssh_port,
        username=settings.username,
        private_key_file=str(_key(settings)),
    )


def _key(settings: RemoteCompute | SparkCompute) -> Path:
    """Return the private key's file: the configured one, unless the environment names another."""
    key = Path(os.environ.get("WORKBENCH_SSH_KEY") or settings.private_key_file).expanduser()
    if not key.is_file():
        raise UsageError(f"private-key-file {key} does not exist. Name the SSH key of {settings.address}.")
    return key
