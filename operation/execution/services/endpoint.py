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
from operation.execution.services import cluster, trial
from operation.execution.services.order import Order, Place, find, service_kind

if TYPE_CHECKING:
    from azureml.core.webservice import AksEndpoint, AksWebservice

KEPT = 3  # versions: what answers, what answered before, what is tried


def deploy(order: Order, settings: AksDeployment) -> AksEndpoint:
    """Let the model answer, and return the endpoint.

    Another model becomes a version without traffic; once that one has answered a row, it answers all. The
    version before stays, so that deploying its model again starts nothing.
    """
    there = existing(order)
    if there is None:
        return _made(order, settings)
    if default(there) == version_name(order):
        order.say(f"service {order.service} answers with the model {order.chosen} already")
        return there
    name = _version(order, there, settings)
    there.update_version(name, is_default=True, is_control_version_type=True, traffic_percentile=0)
    trial.wait(order, there, f"{order.service}/{name}")
    trial.attempt(order, there, there.scoring_uri, order.service)
    return there


def challenge(order: Order, settings: AksDeployment, share: float) -> AksEndpoint:
    """Give the model a share of the requests, 0 to 1, as a version beside the one that answers the others."""
    there = existing(order)
    if there is None:
        raise UsageError(f"service {order.service} is not there: deploy its champion first.")
    if default(there) == version_name(order):
        raise UsageError(f"{order.chosen} is the champion of service {order.service}: it has no challenger.")
    percentile = percent(share)
    name = _version(order, there, settings)
    for other in [one for one in with_traffic(there) if one != name]:
        set_traffic(order, there, other, 0)
    set_traffic(order, there, name, percentile)
    return there


def shift(place: Place, share: float) -> AksEndpoint:
    """Give the challenger another share of the requests; 0 takes back whatever any version has."""
    there, percentile = existing(place), percent(share)
    if there is None:
        raise UsageError(f"service {place.service} is not there: deploy its champion first.")
    having = with_traffic(there)
    if percentile and len(having) != 1:
        raise UsageError(
            f"service {place.service} has {len(having)} challengers with a share of the requests: "
            "name the one that is meant with --challenger."
        )
    for name in having:
        set_traffic(place, there, name, percentile)
    if not having:
        place.say(f"  {place.service}: the champion answers every request already")
    return there


def set_traffic(place: Place, there: AksEndpoint, name: str, percentile: int) -> None:
    """Give a version its percentage; nothing is started."""
    if (there.versions[name].traffic_percentile or 0) != percentile:
        there.update_version(name, traffic_percentile=percentile)
        trial.wait(place, there, f"{place.service}/{name}")
    place.say(f"  {place.service}/{name}: has {percentile} % of the requests")


def percent(share: float) -> int:
    """Return a share of the requests as Azure takes it."""
    if not 0 <= share <= 1:
        raise UsageError(f"--traffic: {share:g} is no share: give a number from 0 to 1.")
    whole = round(share * 100)
    if abs(whole - share * 100) > 1e-9:
        raise UsageError(f"--traffic: {share:g} must be a whole percentage (Azure's granularity), e.g. 0.01.")
    return whole


def existing(place: Place) -> AksEndpoint | None:
    """Return the endpoint, or None where there is no service of that name."""
    there = find(place.workspace, place.service)
    if there is not None and (service_kind(there) != "aks" or not hasattr(there, "versions")):
        raise UsageError(
            f"service {place.service} is there, and no endpoint with versions: give "
            f"configuration/deployment/{place.deployment.name}.yml another 'service', or delete it first "
            f"with: python3 -m operation deploy --delete {place.service}"
        )
    return there


def version_name(order: Order) -> str:
    """Return what the model's version is called: the same model has the same version."""
    return f"v{order.chosen.model.version}-{order.chosen.digest[:8]}"


def default(there: AksEndpoint) -> str | None:
    """Return the version that answers what no percentage says."""
    return next((name for name, one in there.versions.items() if one.is_default), None)


def with_traffic(there: AksEndpoint) -> list[str]:
    """Return the versions that have a percentage of the requests."""
    return [name for name, one in there.versions.items() if one.traffic_percentile and not one.is_default]


def _version(order: Order, there: AksEndpoint, settings: AksDeployment) -> str:
    """Return the model's version, which has answered a row; where it does not, nothing of it is left."""
    name = version_name(order)
    known = name in there.versions
    if not known:
        _make_room(order, there)
        _mend_the_sdk()
        there.create_version(
            name,
            models=order.models(),
            inference_config=order.inference(),
            traffic_percentile=0,
            tags=order.tags,
            **_scaling(settings),
        )
    with ExitStack() as undo:
        if not known:
            undo.callback(there.delete_version, name)
            trial.wait(order, there, f"{order.service}/{name}")
        _try_alone(order, there, there.versions[name], name)
        undo.pop_all()  # it has answered: it stays
    return name


def _mend_the_sdk() -> None:
    """Let a version say how many cores it wants.

    ``create_version()`` compares them with what the endpoint has, and only a service has such a thing: in
    1.61 it ends with an AttributeError.
    """
    from azureml.core.webservice import AksEndpoint

    if not hasattr(AksEndpoint, "container_resource_requirements"):
        AksEndpoint.container_resource_requirements = None


def _try_alone(order: Order, there: AksEndpoint, version: AksWebservice, name: str) -> None:
    if not version.scoring_uri or version.scoring_uri == there.scoring_uri:
        order.say(f"  {order.service}/{name}: has no address of its own, and was not asked before it answers")
        return
    trial.attempt(order, there, version.scoring_uri, f"{order.service}/{name}")


def _make_room(order: Order, there: AksEndpoint) -> None:
    """Delete the oldest versions that answer nobody: an endpoint has six at most, and each holds machines."""
    idle = [
        (one.created_time, name)
        for name, one in there.versions.items()
        if not one.is_default and not one.traffic_percentile
    ]
    for _, name in sorted(idle)[: max(0, len(there.versions) + 1 - KEPT)]:
        order.say(f"  {order.service}/{name}: answers nobody, is deleted")
        there.delete_version(name)
        trial.wait(order, there, f"{order.service}/{name}")


def _made(order: Order, settings: AksDeployment) -> AksEndpoint:
    """Return a new endpoint that has answered; where it does not, nothing of it is left."""
    from azureml.core import Model
    from azureml.core.webservice import AksEndpoint

    wanted = AksEndpoint.deploy_configuration(
        version_name=version_name(order),
        traffic_percentile=0,  # it is the default
        compute_target_name=cluster.target(order, settings),
        auth_enabled=settings.auth == "key",
        token_auth_enabled=settings.auth == "token",
        enable_app_insights=settings.app_insights,
        tags=order.tags,
        **_scaling(settings),
    )
    there = Model.deploy(order.workspace, order.service, order.models(), order.inference(), wanted)
    with ExitStack() as undo:
        undo.callback(there.delete)
        trial.wait(order, there, order.service)
        trial.attempt(order, there, there.scoring_uri, order.service)
        undo.pop_all()  # it has answered: it stays
    return there


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
