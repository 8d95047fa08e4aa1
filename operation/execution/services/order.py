"""What is to be deployed, and how: the same for a container and for a cluster."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from operation.engine.configuration.targets import Deployment
from operation.engine.foundation.errors import UsageError, WorkbenchError
from operation.engine.foundation.layout import Layout
from operation.execution import job_files
from operation.execution.logs import Say
from operation.execution.services.chosen import Chosen

if TYPE_CHECKING:
    from azureml.core import Model, Workspace
    from azureml.core.model import InferenceConfig
    from azureml.core.webservice import Webservice

ENTRY = "score.py"
SERVER = "azureml-inference-server-http"


class DeploymentFailed(WorkbenchError):
    """A service did not start, or does not answer as it should."""


@dataclass(frozen=True)
class Place:
    """A service, be it there or not."""

    workspace: Workspace
    layout: Layout
    deployment: Deployment  # the service, and what it is to have
    say: Say  # told what happens, a line at a time

    @property
    def service(self) -> str:
        """The service's name."""
        return self.deployment.service


@dataclass(frozen=True)
class Order(Place):
    """One model on its way behind a service."""

    chosen: Chosen  # the model

    @property
    def tags(self) -> dict[str, str]:
        """What the service shows of itself."""
        own = {"model": self.chosen.identity, "digest": self.chosen.digest}
        return {**self.deployment.settings.tags, **own}

    def models(self) -> list[Model]:
        """Return the model as the SDK takes it."""
        from azureml.core import Model

        registered = self.chosen.model
        return [Model(self.workspace, registered.name, version=registered.version)]

    def inference(self) -> InferenceConfig:
        """Return the entry script with all it imports, its packages, and what it is told.

        It is told the model's digest, so that the service refuses any other before it unpickles it.
        """
        from azureml.core.model import InferenceConfig

        settings = self.deployment.settings
        environment = job_files.environment(self.layout, settings.environment)
        # the server that is tested here; what it needs of the operating system comes with the stack
        environment.python.conda_dependencies.add_pip_package(f"{SERVER}=={version(SERVER)}")
        environment.inferencing_stack_version = "latest"
        environment = environment.register(self.workspace)
        words = shlex.join(["--digest", self.chosen.digest])
        environment.environment_variables = {"SCORE_ARGUMENTS": words, **self._secrets(settings.secrets)}
        source = job_files.snapshot(self.layout, self.layout.src / ENTRY)
        return InferenceConfig(entry_script=ENTRY, source_directory=str(source), environment=environment)

    def _secrets(self, places: Mapping[str, str]) -> dict[str, str]:
        return {name: _secret(self.workspace, name, place) for name, place in places.items()}


def _secret(workspace: Workspace, variable: str, place: str) -> str:
    """Return the value that is kept at ``keyvault:<name>`` or ``environment:<NAME>``."""
    where, _, name = place.partition(":")
    if where == "environment":
        found = os.environ.get(name)
        missing = f"the environment variable {name} is not set"
    else:
        found = _in_vault(workspace, name)
        missing = f"the key vault of {workspace.name} has no secret '{name}'"
    if not found:
        raise UsageError(f"the service's variable {variable} is to be {place}, and {missing}.")
    return found


def _in_vault(workspace: Workspace, name: str) -> str | None:
    vault = workspace.get_default_keyvault()
    known = {one["name"] for one in vault.list_secrets()}
    return str(vault.get_secret(name)) if name in known else None


def find(workspace: Workspace, name: str) -> Webservice | None:
    """Return the web service called `name`, or None."""
    from azureml.core.webservice import Webservice
    from azureml.exceptions import WebserviceException

    try:
        return Webservice(workspace, name)
    except WebserviceException as error:
        if "WebserviceNotFound" in str(error):
            return None
        raise


def log_file(layout: Layout, name: str) -> Path:
    """Return where the log of a service that failed is kept."""
    return layout.runs / "deployments" / f"{name}.log"


def service_kind(service: Any) -> str:
    """Return ``aci`` or ``aks``, as files of ``configuration/deployment/`` have it."""
    return "aci" if service.compute_type == "ACI" else "aks"
