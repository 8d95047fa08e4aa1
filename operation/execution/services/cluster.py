"""The Kubernetes cluster behind an endpoint: found, or made where its file says of which machines."""

from __future__ import annotations

import io
from contextlib import redirect_stdout

from operation.engine.configuration.models import AksDeployment
from operation.engine.foundation.errors import UsageError
from operation.engine.foundation.nearest import did_you_mean, listed
from operation.execution import compute
from operation.execution.services.order import Order


def target(order: Order, settings: AksDeployment) -> str:
    """Return the cluster's name; it is there when this returns."""
    found = compute.find(order.workspace, settings.cluster)
    if found is None:
        _create(order, settings)
    elif found.type not in {"AKS", "Kubernetes"}:
        raise UsageError(
            f"compute '{settings.cluster}' of workspace {order.workspace.name} is of type {found.type}, and "
            f"an endpoint needs a Kubernetes cluster: name one in {_file(order)}."
        )
    return settings.cluster


def _create(order: Order, settings: AksDeployment) -> None:
    from azureml.core.compute import AksCompute, ComputeTarget

    if settings.vm_size is None:
        known = sorted(name for name, one in order.workspace.compute_targets.items() if one.type == "AKS")
        raise UsageError(
            f"workspace {order.workspace.name} has no cluster '{settings.cluster}'."
            f"{did_you_mean(settings.cluster, known)} It has: {listed(known, 'and')}. "
            f"Add a line 'vm-size: ...' to {_file(order)} to have it made."
        )
    order.say(f"  {settings.cluster}: a cluster of {settings.nodes} {settings.vm_size} is made")
    wanted = AksCompute.provisioning_configuration(
        vm_size=settings.vm_size, agent_count=settings.nodes, location=order.workspace.location
    )
    made = ComputeTarget.create(order.workspace, settings.cluster, wanted)
    with redirect_stdout(io.StringIO()):  # it prints how it ended all the same
        made.wait_for_completion(show_output=False)


def _file(order: Order) -> str:
    return f"configuration/deployment/{order.deployment.name}.yml"
