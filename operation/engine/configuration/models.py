"""Every configuration file as a pydantic model: its keys, their types, their defaults."""

import re
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
)

from operation.engine.configuration.azure_names import name_problem

_HOURS = re.compile(r"([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d")
_SECRET_SOURCE = re.compile(r"(keyvault|environment):[A-Za-z][A-Za-z0-9_-]*")


def _service_name(name: str) -> str:
    if problem := name_problem("service", name):
        raise ValueError(f"'service': {problem} Choose another.")
    return name


def _hours(value: str) -> str:
    if not _HOURS.fullmatch(value):
        raise ValueError(f"'quiet-hours': expected hours such as 22:00-06:00 (UTC), found {value!r}.")
    return value


def _secret_source(value: str) -> str:
    if not _SECRET_SOURCE.fullmatch(value):
        raise ValueError(
            "'secrets': expected keyvault:<name> or environment:<NAME>, where the value is kept; "
            "the value is not shown, in case it is a secret."
        )
    return value


# a key with nothing behind it, such as `ingest:`, is an empty mapping
_OrEmpty = BeforeValidator(lambda value: {} if value is None else value)
_OneOrMore = BeforeValidator(lambda value: list(map(str, value if isinstance(value, list) else [value])))
Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1, le=1000)]


class Strict(BaseModel):
    """Keys are written with dashes; one that is unknown is a mistake."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        frozen=True,
        defer_build=True,  # a command reads few of these files
        alias_generator=lambda name: name.replace("_", "-"),
    )


class NotebookModel(Strict):
    """One notebook of a use case."""

    name: str
    parameters: Annotated[dict[str, Any], _OrEmpty] = Field(default_factory=dict)
    after: Annotated[list[str], _OneOrMore] = Field(default_factory=list)  # what must have ended before


class StepModel(Strict):
    """One step of a use case."""

    script: str | None = None
    inputs: Annotated[dict[str, str], _OrEmpty] = Field(default_factory=dict)
    arguments: Annotated[dict[str, Any], _OrEmpty] = Field(default_factory=dict)


class Automl(Strict):
    """``automl:`` a search by Azure ML, that the use case's own model is compared with."""

    training: str
    holdout: str
    label: str
    task: Literal["classification", "regression"]
    metric: str
    compare: str
    iterations: Count = 20
    minutes: Annotated[int, Field(ge=15, le=10080)] = 30


class Pipeline(Strict):
    """``pipeline:`` the name of the published endpoint, and when it runs by itself."""

    publish: str
    every: Literal["minute", "hour", "day", "week", "month"] | None = None
    interval: Count = 1
    on_new_data: str | None = None


class Monitor(Strict):
    """``monitor:`` what speaks for training a new model, and what against it."""

    new_share: Positive | None = None  # rows that are new, as a share of those at the last training
    drift: bool = True
    decay: bool = True  # of the quality, once labels are known
    max_age_days: Positive | None = None  # of the champion
    every: Literal["day", "week", "month", "quarter", "year"] | None = None
    debounce: Count = 2  # checks in a row that must see drift or decay
    cooldown_days: Annotated[float, Field(ge=0)] = 0.0  # after a training, accepted or not
    cpu_minutes: Positive | None = None  # that trainings may take, all together, in `budget_days`
    budget_days: Positive = 30.0
    quiet_hours: list[Annotated[str, AfterValidator(_hours)]] = Field(default_factory=list)  # UTC
    min_rows: Annotated[int, Field(ge=1)] = 1000  # to train on
    # step -> argument -> value, while past deliveries are played: small settings
    play: dict[str, Annotated[dict[str, Any], _OrEmpty]] = Field(default_factory=dict)
    play_cpu_minutes: Positive = 1.0  # a training counts that much then: what it takes differs each time


class UseCaseModel(Strict):
    """``configuration-<use case>.yml``."""

    description: str
    notebooks: list[NotebookModel] = Field(default_factory=list)
    steps: dict[str, Annotated[StepModel, _OrEmpty]]
    deliveries: StepModel | None = None
    monitor: Monitor | None = None
    automl: Automl | None = None
    pipeline: Pipeline | None = None


class EnvironmentModel(BaseModel):
    """``configuration-<ENVIRONMENT>.yml``: the variables that have a meaning here; others may be added."""

    ENVIRONMENT: str = Field(description="the environment's name, as in the name of the file")
    RESOURCE_GROUP: str = Field(description="the Azure resource group")
    LOCATION: str = Field(description="the Azure region, such as westeurope")
    NAMESPACE: str = Field(description="the short name that the names of the resources end with")
    SERVICECONNECTION_RG: str = Field(description="the Azure DevOps service connection to the resource group")
    SERVICECONNECTION_WS: str = Field(description="the Azure DevOps service connection to the workspace")
    AMLWORKSPACE: str = "aml$(NAMESPACE)"
    STORAGEACCOUNT: str = "sa$(NAMESPACE)"
    KEYVAULT: str = "kv$(NAMESPACE)"
    APPINSIGHTS: str = "ai$(NAMESPACE)"
    CONTAINERREGISTRY: str = "cr$(NAMESPACE)"

    @field_validator("*")
    @classmethod
    def _acceptable(cls, value: str, info: ValidationInfo) -> str:
        variable, name = str(info.field_name), (info.context or {}).get("name")
        blank = not value.strip(" ~")
        if blank and (meaning := cls.model_fields[variable].description):
            raise ValueError(f"is empty: expected {meaning}.")
        if variable == "ENVIRONMENT" and value != name:
            raise ValueError(f"is '{value}' in the file of environment {name}: expected '{name}'.")
        if not blank and (problem := name_problem(variable, value)):
            raise ValueError(problem)
        return value


MANDATORY = {
    name: str(info.description) for name, info in EnvironmentModel.model_fields.items() if info.is_required()
}
OPTIONAL: dict[str, str] = {
    name: info.default for name, info in EnvironmentModel.model_fields.items() if not info.is_required()
}


class _Compute(Strict):
    """Any compute: its packages are those of ``configuration/environments/<environment>.yml``."""

    environment: str = "training"


class LocalCompute(_Compute):
    """The machine that submits."""

    kind: Literal["local"]


class ClusterCompute(_Compute):
    """Machines of Azure ML that start when there is work."""

    kind: Literal["amlcompute"]
    vm_size: str
    min_nodes: Annotated[int, Field(ge=0, le=1000)] = 0
    max_nodes: Count = 1
    idle_seconds_before_scaledown: Annotated[int, Field(ge=0, le=86400)] = 1200
    priority: Literal["dedicated", "lowpriority"] = "dedicated"


class _SshCompute(_Compute):
    """What is reached by SSH."""

    address: str
    ssh_port: Annotated[int, Field(ge=1, le=65535)] = 22
    username: str
    private_key_file: str


class RemoteCompute(_SshCompute):
    """A Linux machine of one's own."""

    kind: Literal["remote"]


class SparkCompute(_SshCompute):
    """A Spark cluster of Azure HDInsight."""

    kind: Literal["hdinsight"]


class _Service(Strict):
    """Any service; `secrets` are variables of its environment, each with the source of its value."""

    environment: str = "scoring"
    service: Annotated[str, AfterValidator(_service_name)] | None = None
    cpu_cores: Positive = 1.0
    memory_gb: Positive = 2.0
    app_insights: bool = False
    tags: dict[str, str] = Field(default_factory=dict)
    secrets: dict[str, Annotated[str, AfterValidator(_secret_source)]] = Field(default_factory=dict)


class AciDeployment(_Service):
    """One container of Azure Container Instances."""

    kind: Literal["aci"]
    auth: Literal["key", "none"] = "key"


class AksDeployment(_Service):
    """Versions behind one endpoint of a Kubernetes cluster."""

    kind: Literal["aks"]
    cluster: str
    vm_size: str | None = None
    nodes: Count = 3
    auth: Literal["key", "token", "none"] = "key"
    min_replicas: Count = 1
    max_replicas: Count = 3
    target_utilization: Annotated[int, Field(ge=1, le=100)] = 70
    scoring_timeout_seconds: Positive = 60.0

    @field_validator("max_replicas")
    @classmethod
    def _scales(cls, value: int, info: ValidationInfo) -> int:
        least = info.data.get("min_replicas", 1)
        if value < least:
            raise ValueError(
                f"'max-replicas': expected {least} or more, as 'min-replicas' says, found {value}."
            )
        return value


ComputeSettings = Annotated[
    LocalCompute | ClusterCompute | RemoteCompute | SparkCompute, Field(discriminator="kind")
]
DeploymentSettings = Annotated[AciDeployment | AksDeployment, Field(discriminator="kind")]
