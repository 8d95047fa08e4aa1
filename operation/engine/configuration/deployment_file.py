"""``configuration/deployment/<name>.yml``: where a model is served by Azure ML, and how."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from operation.engine.configuration.kinds import Shelf, Strict
from operation.engine.configuration.loading import Configuration
from operation.engine.errors import Problem, UsageError
from operation.engine.layout import Layout

# Azure takes up to 32; the rest is for what stands beside it while a model is tried
_SERVICE = re.compile(r"[a-z][-a-z0-9]{1,25}[a-z0-9]")
_SERVICE_WORDS = "3 to 27 lower-case letters, digits or '-', the first a letter, the last a letter or digit"
_SECRET = re.compile(r"(keyvault|environment):[A-Za-z][A-Za-z0-9_-]*")


def _whereabouts(value: str) -> str:
    """Return where a secret is; the secret itself is never shown, should it stand there."""
    if not _SECRET.fullmatch(value):
        raise ValueError(
            "'secrets': expected keyvault:<name> or environment:<NAME>, where the value is kept; "
            "what stands here is not shown, in case it is the value."
        )
    return value


def _accepted(name: str) -> str:
    if not _SERVICE.fullmatch(name):
        raise ValueError(f"'service': {_refused(name)} Choose another.")
    return name


def _refused(name: str) -> str:
    return f"'{name}' is no name that Azure accepts for a service: expected {_SERVICE_WORDS}."


Number = Annotated[float, Field(gt=0)]
Whole = Annotated[int, Field(ge=1, le=1000)]


class _Service(Strict):
    """What any service has.

    `secrets` are variables of the service's environment, each with the place that its value is taken from
    when the model is deployed.
    """

    environment: str = "scoring"
    service: Annotated[str, AfterValidator(_accepted)] | None = None
    cpu_cores: Number = 1.0
    memory_gb: Number = 2.0
    app_insights: bool = False
    tags: dict[str, str] = Field(default_factory=dict)
    secrets: dict[str, Annotated[str, AfterValidator(_whereabouts)]] = Field(default_factory=dict)


class AciDeployment(_Service):
    """One container of Azure Container Instances."""

    kind: Literal["aci"]
    auth: Literal["key", "none"] = "key"


class AksDeployment(_Service):
    """Versions behind one endpoint of a Kubernetes cluster."""

    kind: Literal["aks"]
    cluster: str
    vm_size: str | None = None
    nodes: Whole = 3
    auth: Literal["key", "token", "none"] = "key"
    min_replicas: Whole = 1
    max_replicas: Whole = 3
    target_utilization: Annotated[int, Field(ge=1, le=100)] = 70
    scoring_timeout_seconds: Number = 60.0

    @field_validator("max_replicas")
    @classmethod
    def _scales(cls, value: int, others: ValidationInfo) -> int:
        least = others.data.get("min_replicas", 1)
        if value < least:
            raise ValueError(
                f"'max-replicas': expected {least} or more, as 'min-replicas' says, found {value}."
            )
        return value


Settings = AciDeployment | AksDeployment
DEPLOYMENTS: Shelf[Settings] = Shelf(
    thing="deployment",
    kinds={"aci": AciDeployment, "aks": AksDeployment},
    variables={"DEPLOYMENT": "aci"},
    name=re.compile(r"[a-z][a-z0-9-]{0,30}[a-z0-9]"),
    name_words="2 to 32 lower-case letters, digits or '-', the first a letter, the last a letter or digit",
    exempt=frozenset({"secrets"}),
)


@dataclass(frozen=True)
class Deployment:
    """A deployment that is configured.

    Parameters
    ----------
    name : str
        Of its file.
    settings : Settings
        What the file says.
    service : str
        What the service is called: the file's ``service``, else the use case.
    """

    name: str
    settings: Settings
    service: str


def chosen_deployment(layout: Layout, configured: Configuration, name: str | None = None) -> Deployment:
    """Return the deployment called `name`; by default the one that the environment's DEPLOYMENT names.

    Raises
    ------
    UsageError
        For an unknown name; tells the nearest.
    ConfigurationError
        With every mistake in its file, or for a service's name that Azure would refuse.
    """
    chosen, settings = DEPLOYMENTS.chosen(layout, configured, name, "DEPLOYMENT")
    service = settings.service or configured.use_case.replace("_", "-")
    if not _SERVICE.fullmatch(service):
        file = f"configuration/deployment/{chosen}.yml"
        raise UsageError(f"{_refused(service)} It is the use case's: add a line 'service: ...' to {file}.")
    return Deployment(chosen, settings, service)


def deployment_problems(layout: Layout, environment: str | None = None) -> Iterator[Problem]:
    """Yield every mistake in every file, and in the choice of one, for each sound environment."""
    return DEPLOYMENTS.problems(layout, environment)


def read_deployment(
    layout: Layout, name: str, variables: Mapping[str, Any]
) -> tuple[Settings | None, list[Problem]]:
    """Read one file; the settings are None when there are problems."""
    return DEPLOYMENTS.read(layout, name, variables)
