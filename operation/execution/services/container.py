"""One container of ACI: created, or given another model once that one has answered beside it."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from operation.engine.configuration.models import AciDeployment
from operation.engine.foundation.errors import UsageError
from operation.execution.services import health_check
from operation.execution.services.deployment import ModelDeployment, find, service_kind

if TYPE_CHECKING:
    from azureml.core.webservice import Webservice

BESIDE = "-next"


def deploy(deployment: ModelDeployment, settings: AciDeployment) -> Webservice:
    """Deploy the model, and return the service, which answers with it.

    A container has no second version of itself. So another model is first tried in a container beside it,
    and where that one fails, the service keeps its model.
    """
    service = find(deployment.workspace, deployment.name)
    if service is None:
        return _create(deployment, settings, deployment.name)
    _check(service, deployment, settings)
    deployment.say(f"service {deployment.name} exists: trying the model beside it first")
    _create(deployment, settings, deployment.name + BESIDE).delete()
    deployment.say(f"  {deployment.name}: switching to the model")
    changes: dict[str, Any] = {"auth_enabled": settings.auth == "key", "tags": deployment.tags}
    changes |= {"enable_app_insights": settings.app_insights}
    service.update(models=deployment.models(), inference_config=deployment.inference(), **changes)
    health_check.wait(deployment, service, deployment.name)
    health_check.check_answer(deployment, service, service.scoring_uri, deployment.name)
    return service


def _check(service: Webservice, deployment: ModelDeployment, settings: AciDeployment) -> None:
    name, file = deployment.name, deployment.file
    if service_kind(service) != "aci":
        raise UsageError(
            f"service {name} runs on a cluster, and {file} is of kind aci. {deployment.replace_hint}"
        )
    size = service.container_resource_requirements
    if (size.cpu, size.memory_in_gb) != (settings.cpu_cores, settings.memory_gb):
        raise UsageError(
            f"service {name} has {size.cpu:g} cores and {size.memory_in_gb:g} GB, and {file} says "
            f"{settings.cpu_cores:g} and {settings.memory_gb:g}: Azure cannot change them. "
            f"{deployment.replace_hint}"
        )


def _create(deployment: ModelDeployment, settings: AciDeployment, name: str) -> Webservice:
    """Return a new service that has answered; where it does not, nothing of it is left."""
    from azureml.core import Model
    from azureml.core.webservice import AciWebservice

    configuration = AciWebservice.deploy_configuration(
        cpu_cores=settings.cpu_cores,
        memory_gb=settings.memory_gb,
        auth_enabled=settings.auth == "key",
        enable_app_insights=settings.app_insights,
        tags=deployment.tags,
    )
    code, overwrite = deployment.inference(), name.endswith(BESIDE)
    service = Model.deploy(
        deployment.workspace, name, deployment.models(), code, configuration, overwrite=overwrite
    )
    with ExitStack() as undo:
        undo.callback(service.delete)
        health_check.wait(deployment, service, name)
        health_check.check_answer(deployment, service, service.scoring_uri, name)
        undo.pop_all()  # it has answered: it stays
    return service
