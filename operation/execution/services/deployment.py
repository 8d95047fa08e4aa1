"""A web service and the model on its way behind it: the same for a container and for a cluster."""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from operation.engine.configuration.targets import Deployment
from operation.engine.foundation.errors import UsageError, WorkbenchError
from operation.engine.foundation.layout import Layout
from operation.execution import job_files
from operation.execution.run_log import Say
from operation.execution.services.deployable_model import DeployableModel

if TYPE_CHECKING:
    from azureml.core import Model, Workspace
    from azureml.core.model import InferenceConfig
    from azureml.core.webservice import Webservice

ENTRY = "score.py"
SERVER = "azureml-inference-server-http"


class DeploymentFailed(WorkbenchError):
    """A service did not start, or does not answer as it should."""


@dataclass(frozen=True)
class Service:
    """A web service, which may not exist yet."""

    workspace: Workspace
    layout: Layout
    target: Deployment  # its file in configuration/deployment/
    say: Say  # called with a line of progress at a time

    @property
    def name(self) -> str:
        """The service's name."""
        return self.target.service

    @property
    def file(self) -> str:
        """The file that describes it."""
        return f"configuration/deployment/{self.target.name}.yml"

    @property
    def replace_hint(self) -> str:
        """How to fix a service of that name that Azure cannot change into this one."""
        command = f"python3 -m operation deploy --delete {self.name}"
        return f"Give the file another 'service', or delete this one first: {command}"


@dataclass(frozen=True)
class ModelDeployment(Service):
    """A service and the model that it is to serve."""

    model: DeployableModel

    @property
    def tags(self) -> dict[str, str]:
        """What the service shows of itself."""
        own = {"model": self.model.identity, "digest": self.model.digest}
        return {**self.target.settings.tags, **own}

    def models(self) -> list[Model]:
        """Return the model as the SDK takes it."""
        from azureml.core import Model

        return [Model(self.workspace, self.model.version.name, version=self.model.version.version)]

    def inference(self) -> InferenceConfig:
        """Return the entry script with all it imports, its packages and its variables.

        One of them is the model's digest: the service refuses any other before it unpickles it.
        """
        from azureml.core.model import InferenceConfig

        settings = self.target.settings
        environment = job_files.environment(self.layout, settings.environment)
        # the server that is tested here; what it needs of the operating system comes with the stack
        environment.python.conda_dependencies.add_pip_package(f"{SERVER}=={version(SERVER)}")
        environment.inferencing_stack_version = "latest"
        environment = environment.register(self.workspace)
        arguments = shlex.join(["--digest", self.model.digest])
        environment.environment_variables = {
            "SCORE_ARGUMENTS": arguments,
            **{name: _secret(self.workspace, name, source) for name, source in settings.secrets.items()},
        }
        source = job_files.snapshot(self.layout, self.layout.src / ENTRY)
        return InferenceConfig(entry_script=ENTRY, source_directory=str(source), environment=environment)


def _secret(workspace: Workspace, variable: str, source: str) -> str:
    """Return the value that is kept at ``keyvault:<name>`` or ``environment:<NAME>``."""
    kind, _, name = source.partition(":")
    if kind == "environment":
        value = os.environ.get(name)
        missing = f"the environment variable {name} is not set"
    else:
        value = _vault_secret(workspace, name)
        missing = f"the key vault of {workspace.name} has no secret '{name}'"
    if not value:
        raise UsageError(f"the service's variable {variable} comes from {source}, and {missing}.")
    return value


def _vault_secret(workspace: Workspace, name: str) -> str | None:
    vault = workspace.get_default_keyvault()
    names = {secret["name"] for secret in vault.list_secrets()}
    return str(vault.get_secret(name)) if name in names else None


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


def service_kind(service: Any) -> str:
    """Return ``aci`` or ``aks``, as files of ``configuration/deployment/`` have it."""
    return "aci" if service.compute_type == "ACI" else "aks"
