"""One container of ACI: made, or given another model once that one has answered beside it."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from operation.engine.configuration.models import AciDeployment
from operation.engine.foundation.errors import UsageError
from operation.execution.services import trial
from operation.execution.services.order import Order, find, service_kind

if TYPE_CHECKING:
    from azureml.core.webservice import Webservice

BESIDE = "-next"


def deploy(order: Order, settings: AciDeployment) -> Webservice:
    """Deploy the model, and return the service, which answers with it.

    A container has no second version of itself. So another model is first tried in a container beside it,
    and what answered before goes on where that one fails.
    """
    there = find(order.workspace, order.service)
    if there is None:
        return _made(order, settings, order.service)
    _check(there, order, settings)
    order.say(f"service {order.service} is there: the model is tried beside it first")
    _made(order, settings, order.service + BESIDE).delete()
    order.say(f"  {order.service}: takes the model over")
    changes: dict[str, Any] = {"auth_enabled": settings.auth == "key", "tags": order.tags}
    changes |= {"enable_app_insights": settings.app_insights}
    there.update(models=order.models(), inference_config=order.inference(), **changes)
    trial.wait(order, there, order.service)
    trial.attempt(order, there, there.scoring_uri, order.service)
    return there


def _check(there: Webservice, order: Order, settings: AciDeployment) -> None:
    file = f"configuration/deployment/{order.deployment.name}.yml"
    mend = f"python3 -m operation deploy --delete {order.service}"
    if service_kind(there) != "aci":
        raise UsageError(
            f"service {order.service} is there, on a cluster, and {file} is of kind aci: give the file "
            f"another 'service', or delete it first with: {mend}"
        )
    has = there.container_resource_requirements
    if (has.cpu, has.memory_in_gb) != (settings.cpu_cores, settings.memory_gb):
        raise UsageError(
            f"service {order.service} has {has.cpu:g} cores and {has.memory_in_gb:g} GB, and {file} says "
            f"{settings.cpu_cores:g} and {settings.memory_gb:g}: Azure cannot change them. Give the file "
            f"another 'service', or delete it first with: {mend}"
        )


def _made(order: Order, settings: AciDeployment, name: str) -> Webservice:
    """Return a new service that has answered; where it does not, nothing of it is left."""
    from azureml.core import Model
    from azureml.core.webservice import AciWebservice

    wanted = AciWebservice.deploy_configuration(
        cpu_cores=settings.cpu_cores,
        memory_gb=settings.memory_gb,
        auth_enabled=settings.auth == "key",
        enable_app_insights=settings.app_insights,
        tags=order.tags,
    )
    service = Model.deploy(
        order.workspace, name, order.models(), order.inference(), wanted, overwrite=name.endswith(BESIDE)
    )
    with ExitStack() as undo:
        undo.callback(service.delete)
        trial.wait(order, service, name)
        trial.attempt(order, service, service.scoring_uri, name)
        undo.pop_all()  # it has answered: it stays
    return service
