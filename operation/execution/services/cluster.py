"""The Kubernetes cluster behind an endpoint: used where it exists, or created if its file says the size."""

import io
from contextlib import redirect_stdout

from operation.engine.configuration.models import AksDeployment
from operation.engine.foundation.errors import UsageError
from operation.engine.foundation.nearest import did_you_mean, listed
from operation.execution import compute
from operation.execution.services.deployment import Service


def target(service: Service, settings: AksDeployment) -> str:
    """Return the cluster's name; it exists when this returns."""
    cluster = compute.find(service.workspace, settings.cluster)
    if cluster is None:
        _create(service, settings)
    elif cluster.type not in {"AKS", "Kubernetes"}:
        raise UsageError(
            f"compute '{settings.cluster}' of workspace {service.workspace.name} is of type {cluster.type}, "
            f"and an endpoint needs a Kubernetes cluster. Name one in {service.file}."
        )
    return settings.cluster


def _create(service: Service, settings: AksDeployment) -> None:
    from azureml.core.compute import AksCompute, ComputeTarget

    workspace = service.workspace
    if settings.vm_size is None:
        names = sorted(name for name, target in workspace.compute_targets.items() if target.type == "AKS")
        raise UsageError(
            f"workspace {workspace.name} has no cluster '{settings.cluster}'."
            f"{did_you_mean(settings.cluster, names)} It has: {listed(names, 'and')}. "
            f"Add a line 'vm-size: ...' to {service.file} to have it created."
        )
    service.say(f"  creating cluster {settings.cluster}: {settings.nodes} nodes of {settings.vm_size}")
    configuration = AksCompute.provisioning_configuration(
        vm_size=settings.vm_size, agent_count=settings.nodes, location=workspace.location
    )
    cluster = ComputeTarget.create(workspace, settings.cluster, configuration)
    with redirect_stdout(io.StringIO()):  # it prints how it ended all the same
        cluster.wait_for_completion(show_output=False)
