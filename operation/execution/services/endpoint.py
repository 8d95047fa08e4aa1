"""Versions of a model behind one endpoint of AKS: one answers, another may have a share of the requests.

The default version answers whatever no percentage says. So champion is the default version, a challenger
has a percentage, and taking it back is one request. Azure draws for each request anew; it does not know
the key that ``python3 -m operation split`` sticks to.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from operation.engine.configuration.models import AksDeployment
from operation.engine.foundation.errors import UsageError
from operation.execution.services import cluster, health_check
from operation.execution.services.deployment import ModelDeployment, Service, find, service_kind

if TYPE_CHECKING:
    from azureml.core.webservice import AksEndpoint

VERSIONS = 3  # what answers, what answered before, what is tried


def deploy(deployment: ModelDeployment, settings: AksDeployment) -> AksEndpoint:
    """Let the model answer, and return the endpoint.

    Another model becomes a version without traffic; once that one has answered a row, it answers all. The
    version before stays, so that deploying its model again starts nothing.
    """
    endpoint = existing(deployment)
    if endpoint is None:
        return _create(deployment, settings)
    if default(endpoint) == version_name(deployment):
        deployment.say(f"service {deployment.name} answers with the model {deployment.model} already")
        return endpoint
    name = _version(deployment, endpoint, settings)
    endpoint.update_version(name, is_default=True, is_control_version_type=True, traffic_percentile=0)
    health_check.wait(deployment, endpoint, f"{deployment.name}/{name}")
    health_check.check_answer(deployment, endpoint, endpoint.scoring_uri, deployment.name)
    return endpoint


def challenge(deployment: ModelDeployment, settings: AksDeployment, share: float) -> AksEndpoint:
    """Give the model a share of the requests, 0 to 1, as a version beside the one that answers the others."""
    endpoint = _required(deployment)
    if default(endpoint) == version_name(deployment):
        raise UsageError(
            f"{deployment.model} is the champion of service {deployment.name} already. "
            "Name another model with --challenger."
        )
    percentile = percent(share)
    name = _version(deployment, endpoint, settings)
    for other in [version for version in with_traffic(endpoint) if version != name]:
        set_traffic(deployment, endpoint, other, 0)
    set_traffic(deployment, endpoint, name, percentile)
    return endpoint


def shift(service: Service, share: float) -> AksEndpoint:
    """Give the challenger another share of the requests; 0 takes back whatever any version has."""
    endpoint, percentile = _required(service), percent(share)
    challengers = with_traffic(endpoint)
    if percentile and len(challengers) != 1:
        raise UsageError(
            f"service {service.name} has {len(challengers)} challengers with a share of the requests. "
            "Name the model with --challenger."
        )
    for name in challengers:
        set_traffic(service, endpoint, name, percentile)
    if not challengers:
        service.say(f"  {service.name}: the champion answers every request already")
    return endpoint


def set_traffic(service: Service, endpoint: AksEndpoint, name: str, percentile: int) -> None:
    """Give a version its percentage; nothing is started."""
    if (endpoint.versions[name].traffic_percentile or 0) != percentile:
        endpoint.update_version(name, traffic_percentile=percentile)
        health_check.wait(service, endpoint, f"{service.name}/{name}")
    service.say(f"  {service.name}/{name}: receives {percentile} % of the requests")


def percent(share: float) -> int:
    """Return a share of the requests as Azure takes it."""
    if not 0 <= share <= 1:
        raise UsageError(f"--traffic must be a number from 0 to 1, got {share:g}.")
    whole = round(share * 100)
    if abs(whole - share * 100) > 1e-9:
        raise UsageError(f"--traffic: {share:g} must be a whole percentage (Azure's granularity), e.g. 0.01.")
    return whole


def existing(service: Service) -> AksEndpoint | None:
    """Return the endpoint, or None where there is no service of that name."""
    endpoint = find(service.workspace, service.name)
    if endpoint is not None and (service_kind(endpoint) != "aks" or not hasattr(endpoint, "versions")):
        raise UsageError(
            f"service {service.name} exists and is no endpoint with versions, and {service.file} is of kind "
            f"aks. {service.replace_hint}"
        )
    return endpoint


def _required(service: Service) -> AksEndpoint:
    endpoint = existing(service)
    if endpoint is None:
        raise UsageError(f"there is no service {service.name}. Deploy its champion first.")
    return endpoint


def version_name(deployment: ModelDeployment) -> str:
    """Return what the model's version is called: the same model has the same version."""
    return f"v{deployment.model.version.version}-{deployment.model.digest[:8]}"


def default(endpoint: AksEndpoint) -> str | None:
    """Return the version that answers what no percentage says."""
    return next((name for name, version in endpoint.versions.items() if version.is_default), None)


def with_traffic(endpoint: AksEndpoint) -> list[str]:
    """Return the versions that have a percentage of the requests."""
    versions = endpoint.versions.items()
    return [name for name, version in versions if version.traffic_percentile and not version.is_default]


def _version(deployment: ModelDeployment, endpoint: AksEndpoint, settings: AksDeployment) -> str:
    """Return the model's version, which has answered a row; where it does not, nothing of it is left."""
    name = version_name(deployment)
    path, is_new = f"{deployment.name}/{name}", name not in endpoint.versions
    if is_new:
        _delete_idle(deployment, endpoint)
        _patch_sdk()
        endpoint.create_version(
            name,
            models=deployment.models(),
            inference_config=deployment.inference(),
            traffic_percentile=0,
            tags=deployment.tags,
            **_scaling(settings),
        )
    with ExitStack() as undo:
        if is_new:
            undo.callback(endpoint.delete_version, name)
            health_check.wait(deployment, endpoint, path)
        address = endpoint.versions[name].scoring_uri
        if address and address != endpoint.scoring_uri:
            health_check.check_answer(deployment, endpoint, address, path)
        else:
            deployment.say(f"  {path}: has no address of its own, so it cannot be checked beforehand")
        undo.pop_all()  # it has answered: it stays
    return name


def _patch_sdk() -> None:
    """Let a version say how many cores it wants.

    ``create_version()`` compares them with what the endpoint has, and only a service has such a thing: in
    1.61 it ends with an AttributeError.
    """
    from azureml.core.webservice import AksEndpoint

    if not hasattr(AksEndpoint, "container_resource_requirements"):
        AksEndpoint.container_resource_requirements = None


def _delete_idle(deployment: ModelDeployment, endpoint: AksEndpoint) -> None:
    """Delete the oldest versions without requests: an endpoint has six at most, and each holds machines."""
    idle = [
        (version.created_time, name)
        for name, version in endpoint.versions.items()
        if not version.is_default and not version.traffic_percentile
    ]
    for _, name in sorted(idle)[: max(0, len(endpoint.versions) + 1 - VERSIONS)]:
        deployment.say(f"  {deployment.name}/{name}: deleting it, it receives no request")
        endpoint.delete_version(name)
        health_check.wait(deployment, endpoint, f"{deployment.name}/{name}")


def _create(deployment: ModelDeployment, settings: AksDeployment) -> AksEndpoint:
    """Return a new endpoint that has answered; where it does not, nothing of it is left."""
    from azureml.core import Model
    from azureml.core.webservice import AksEndpoint

    configuration = AksEndpoint.deploy_configuration(
        version_name=version_name(deployment),
        traffic_percentile=0,  # it is the default
        compute_target_name=cluster.target(deployment, settings),
        auth_enabled=settings.auth == "key",
        token_auth_enabled=settings.auth == "token",
        enable_app_insights=settings.app_insights,
        tags=deployment.tags,
        **_scaling(settings),
    )
    name, code = deployment.name, deployment.inference()
    endpoint = Model.deploy(deployment.workspace, name, deployment.models(), code, configuration)
    with ExitStack() as undo:
        undo.callback(endpoint.delete)
        health_check.wait(deployment, endpoint, name)
        health_check.check_answer(deployment, endpoint, endpoint.scoring_uri, name)
        undo.pop_all()  # it has answered: it stays
    return endpoint


def _scaling(settings: AksDeployment) -> dict[str, Any]:
    return {
        "cpu_cores": settings.cpu_cores,
        "memory_gb": settings.memory_gb,
        "autoscale_enabled": True,
        "autoscale_min_replicas": settings.min_replicas,
        "autoscale_max_replicas": settings.max_replicas,
        "autoscale_target_utilization": settings.target_utilization,
        "scoring_timeout_ms": round(settings.scoring_timeout_seconds * 1000),
    }
