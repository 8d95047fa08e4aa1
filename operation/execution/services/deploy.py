"""Deploy a model, shift its traffic, list, delete, package: what ``deploy`` does in a workspace."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from operation.engine.configuration.models import AciDeployment, AksDeployment
from operation.engine.foundation.errors import UsageError
from operation.engine.foundation.nearest import did_you_mean, listed
from operation.execution.run_log import pause
from operation.execution.services import container, endpoint
from operation.execution.services.deployment import (
    DeploymentFailed,
    ModelDeployment,
    Service,
    find,
    service_kind,
)

if TYPE_CHECKING:
    from azureml.core import Workspace
    from azureml.core.webservice import Webservice


def deploy(deployment: ModelDeployment) -> Webservice:
    """Deploy the model as its file says, and return the service, which answers with it."""
    settings = deployment.target.settings
    if isinstance(settings, AciDeployment):
        return container.deploy(deployment, settings)
    return endpoint.deploy(deployment, settings)


def challenge(deployment: ModelDeployment, share: float, *, if_new: bool = False) -> Webservice:
    """Deploy the model as a challenger with a share of the requests, 0 to 1.

    With `if_new` a pipeline may repeat it: without a service the model is its first, and one that answers
    already stays.
    """
    settings = require_cluster(deployment)
    existing = find(deployment.workspace, deployment.name) if if_new else None
    if if_new and existing is None:
        return endpoint.deploy(deployment, settings)
    if existing is not None and endpoint.default(existing) == endpoint.version_name(deployment):
        deployment.say(f"  {deployment.name}: {deployment.model} answers already")
        return existing
    return endpoint.challenge(deployment, settings, share)


def shift(service: Service, share: float) -> Webservice:
    """Give the challenger another share of the requests; 0 rolls back."""
    require_cluster(service)
    return endpoint.shift(service, share)


def require_cluster(service: Service) -> AksDeployment:
    """Return the settings of a cluster; a container has no share of requests to give."""
    settings = service.target.settings
    if isinstance(settings, AciDeployment):
        raise UsageError(
            f"{service.file} is of kind aci: a container answers every request. --challenger and --traffic "
            "are for kind aks. Name a file of that kind with --to."
        )
    return settings


def delete(workspace: Workspace, name: str) -> None:
    """Delete a service."""
    from azureml.core.webservice import Webservice

    service = find(workspace, name)
    if service is None:
        names = sorted(service.name for service in Webservice.list(workspace))
        raise UsageError(
            f"workspace {workspace.name} has no service '{name}'.{did_you_mean(name, names)} "
            f"It has: {listed(names, 'and')}."
        )
    service.delete()


def describe(workspace: Workspace) -> Iterator[str]:
    """Yield a line for each service, and one for each version of an endpoint."""
    from azureml.core.webservice import Webservice

    for service in sorted(Webservice.list(workspace), key=lambda service: str(service.name)):
        columns = f"{service_kind(service):<4} {service.state:<10} {_model(service):<30}"
        yield f"{service.name:<20} {columns} {service.scoring_uri}"
        for name, version in getattr(service, "versions", {}).items():
            yield f"  {name:<18} {'':<4} {version.state:<10} {_model(version):<30} {_traffic(version)}"


def _model(service: Any) -> str:
    tags = service.tags or {}
    return f"{tags['model']} ({tags['digest'][:12]})" if {"model", "digest"} <= tags.keys() else ""


def _traffic(version: Any) -> str:
    return "the remaining requests" if version.is_default else f"{version.traffic_percentile or 0} % of them"


def package(deployment: ModelDeployment, folder: Path | None) -> str:
    """Package the model with Azure ML's server, and return where the package is."""
    from azureml.core import Model

    image = Model.package(
        deployment.workspace,
        deployment.models(),
        deployment.inference(),
        generate_dockerfile=folder is not None,
        image_name=deployment.name,
        image_label=deployment.model.digest[:12],
    )
    started = time.monotonic()
    while image.state in {"NotStarted", "Running"}:
        pause(started)
        image.update_creation_state()
    if image.state != "Succeeded":
        reason = (image.error or {}).get("message") or f"the operation ended as {image.state}"
        raise DeploymentFailed(f"the package of {deployment.model} was not built: {reason}")
    if folder is None:
        return str(image.location)
    image.save(str(folder))
    return str(folder)
