"""What is deployed in a workspace: listed, given less traffic, deleted; and the door to deploying more."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from operation.engine.configuration.models import AciDeployment, AksDeployment
from operation.engine.foundation.errors import UsageError
from operation.engine.foundation.nearest import did_you_mean, listed
from operation.execution.logs import pause
from operation.execution.services import container, endpoint
from operation.execution.services.order import DeploymentFailed, Order, Place, find, service_kind

if TYPE_CHECKING:
    from azureml.core import Workspace
    from azureml.core.webservice import Webservice


def deploy(order: Order) -> Webservice:
    """Deploy the model as its file says, and return the service, which answers with it."""
    settings = order.deployment.settings
    if isinstance(settings, AciDeployment):
        return container.deploy(order, settings)
    return endpoint.deploy(order, settings)


def challenge(order: Order, share: float) -> Webservice:
    """Deploy the model as a challenger with a share of the requests, 0 to 1."""
    return endpoint.challenge(order, of_cluster(order), share)


def shift(place: Place, share: float) -> Webservice:
    """Give the challenger another share of the requests; 0 rolls back."""
    of_cluster(place)
    return endpoint.shift(place, share)


def of_cluster(place: Place) -> AksDeployment:
    """Return the settings of a cluster; a container has no share of requests to give."""
    settings = place.deployment.settings
    if isinstance(settings, AciDeployment):
        raise UsageError(
            f"configuration/deployment/{place.deployment.name}.yml is of kind aci: a container answers every "
            "request. --challenger and --traffic are for kind aks: name a file of that kind with --to."
        )
    return settings


def delete(workspace: Workspace, name: str) -> None:
    """Delete a service."""
    from azureml.core.webservice import Webservice

    there = find(workspace, name)
    if there is None:
        known = sorted(one.name for one in Webservice.list(workspace))
        raise UsageError(
            f"workspace {workspace.name} has no service '{name}'.{did_you_mean(name, known)} "
            f"It has: {listed(known, 'and')}."
        )
    there.delete()


def described(workspace: Workspace) -> Iterator[str]:
    """Yield a line for each service, and one for each version of an endpoint."""
    from azureml.core.webservice import Webservice

    for one in sorted(Webservice.list(workspace), key=lambda one: str(one.name)):
        yield f"{one.name:<20} {service_kind(one):<4} {one.state:<10} {_model(one):<30} {one.scoring_uri}"
        for name, version in getattr(one, "versions", {}).items():
            yield f"  {name:<18} {'':<4} {version.state:<10} {_model(version):<30} {_traffic(version)}"


def _model(one: Any) -> str:
    tags = one.tags or {}
    return f"{tags['model']} ({tags['digest'][:12]})" if {"model", "digest"} <= tags.keys() else ""


def _traffic(version: Any) -> str:
    if version.is_default:
        return "answers what no other version does"
    return f"{version.traffic_percentile or 0} % of the requests"


def package(order: Order, folder: Path | None) -> str:
    """Package the model with Azure ML's server, and return where the package is."""
    from azureml.core import Model

    made = Model.package(
        order.workspace,
        order.models(),
        order.inference(),
        generate_dockerfile=folder is not None,
        image_name=order.service,
        image_label=order.chosen.digest[:12],
    )
    started = time.monotonic()
    while made.state in {"NotStarted", "Running"}:
        pause(started)
        made.update_creation_state()
    if made.state != "Succeeded":
        said = (made.error or {}).get("message") or f"the operation ended as {made.state}"
        raise DeploymentFailed(f"the package of {order.chosen} was not made: {said}")
    if folder is None:
        return str(made.location)
    made.save(str(folder))
    return str(folder)
