"""``configuration/compute/`` and ``configuration/deployment/``: where steps run, and models are served."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar, get_args

from pydantic import BaseModel, TypeAdapter, ValidationError

from operation.engine.configuration.azure_names import name_problem
from operation.engine.configuration.documents import Document, KeyPath, read_document
from operation.engine.configuration.environment_file import read_environment
from operation.engine.configuration.loading import configuration_file, environments
from operation.engine.configuration.messages import explain
from operation.engine.configuration.models import ComputeSettings, DeploymentSettings
from operation.engine.configuration.resolved import Configuration
from operation.engine.configuration.secret_values import secret_problem
from operation.engine.configuration.variables import reference_problems, resolved, typed
from operation.engine.foundation.errors import ConfigurationError, Problem, UsageError
from operation.engine.foundation.layout import Layout
from operation.engine.foundation.nearest import did_you_mean, listed

Settings = TypeVar("Settings")


@dataclass(frozen=True)
class ConfigFolder(Generic[Settings]):
    """A folder of ``configuration/`` whose files describe things of one sort."""

    folder: str  # what a file describes, and the folder's name
    union: Any  # models of what a file holds, told apart by `kind`
    variables: Mapping[str, str]  # variables of an environment that choose a file -> the file by default
    exempt: str  # the key whose value may look like a secret

    def names(self, layout: Layout) -> list[str]:
        """Return the names of all files, sorted."""
        return sorted(path.stem for path in self._folder(layout).glob("*.yml"))

    def chosen(
        self, layout: Layout, configured: Configuration, name: str | None, variable: str
    ) -> tuple[str, Settings]:
        """Return name and settings of the file `name`, else of the one that the environment chooses."""
        requested = name or str(configured.variables.get(variable, self.variables[variable]))
        if requested not in self.names(layout):
            origin = "" if name else f" ({variable} of environment {configured.environment})"
            raise UsageError(
                f"unknown {self.folder} '{requested}'{origin}: there is {self._no(layout, requested)}"
            )
        settings, problems = self.read(layout, requested, configured.variables)
        if settings is None:
            raise ConfigurationError(problems)
        return requested, settings

    def problems(self, layout: Layout, environment: str | None = None) -> Iterator[Problem]:
        """Yield every mistake in every file, and in the choice of one, for each sound environment."""
        for name in [environment] if environment else environments(layout):
            path = configuration_file(layout, name)
            file, problems = read_environment(path, layout.relative(path), name, os.environ)
            if problems or not file.document:
                continue
            for variable in self.variables.keys() & file.variables.keys():
                requested = file.variables[variable].text
                if requested not in self.names(layout):
                    message = f"{variable}: there is {self._no(layout, requested)}"
                    yield file.document.problem(("variables", variable), message)
            values = {
                key: variable.value for key, variable in file.variables.items() if variable.value is not None
            }
            for chosen in self.names(layout):
                yield from self.read(layout, chosen, values)[1]

    def read(
        self, layout: Layout, name: str, variables: Mapping[str, Any]
    ) -> tuple[Settings | None, list[Problem]]:
        """Read one file; the settings are None when there are problems."""
        path = self._folder(layout) / f"{name}.yml"
        document, problems = read_document(path, layout.relative(path))
        if document is None:
            return None, problems
        wrong = [*self._values(document, variables)]
        if problem := name_problem(self.folder, name):
            wrong.append(((), f"{problem} Rename the file."))
        data = resolved(document.data, {key: typed(str(value)) for key, value in variables.items()})
        settings: Settings | None = None
        try:
            settings = TypeAdapter(self.union).validate_python(data)
        except ValidationError as error:
            wrong += [self._message(detail, data) for detail in error.errors(include_url=False)]
        problems += [document.problem(key_path, text) for key_path, text in wrong]
        return (None, problems) if problems else (settings, [])

    def _folder(self, layout: Layout) -> Path:
        return layout.configuration / self.folder

    def _no(self, layout: Layout, requested: str) -> str:
        names = self.names(layout)
        hint = did_you_mean(requested, names)
        return f"no configuration/{self.folder}/{requested}.yml.{hint} Known: {listed(names, 'and')}."

    def _values(self, document: Document, variables: Mapping[str, Any]) -> Iterator[tuple[KeyPath, str]]:
        """Yield what is wrong with references, and values that look like secrets."""
        for key_path, value in document.scalars():
            for message in reference_problems(value, variables, "the environment"):
                yield key_path, message
            secret = key_path[0] != self.exempt and secret_problem(str(key_path[-1]), value)
            if secret:
                yield key_path, f"'{'.'.join(map(str, key_path))}' {secret}"

    def _message(self, error: Any, data: Mapping[str, Any]) -> tuple[KeyPath, str]:
        kinds = self._kinds()
        if error["type"] in {"union_tag_invalid", "union_tag_not_found"}:
            found_kind = f", found {data['kind']!r}" if "kind" in data else ""
            hint = did_you_mean(str(data.get("kind")), kinds)
            return ("kind",), f"'kind': expected one of {listed(kinds)}{found_kind}.{hint}"
        kind, *key_path = error["loc"]  # a union puts the kind before the place
        owner = f" in a {self.folder} of kind {kind}"
        return tuple(key_path), explain(error, f"'{'.'.join(map(str, key_path))}'", owner, kinds[kind])

    def _kinds(self) -> dict[str, type[BaseModel]]:
        models = get_args(get_args(self.union)[0])
        return {get_args(model.model_fields["kind"].annotation)[0]: model for model in models}


COMPUTES: ConfigFolder[ComputeSettings] = ConfigFolder(
    folder="compute",
    union=ComputeSettings,
    variables={"COMPUTE": "cpu-cluster", "SPARKCOMPUTE": "spark-cluster"},
    exempt="private-key-file",
)
DEPLOYMENTS: ConfigFolder[DeploymentSettings] = ConfigFolder(
    folder="deployment", union=DeploymentSettings, variables={"DEPLOYMENT": "aci"}, exempt="secrets"
)


@dataclass(frozen=True)
class Compute:
    """A compute that is configured: its name, in its file and in the workspace, and what its file says."""

    name: str
    settings: ComputeSettings


@dataclass(frozen=True)
class Deployment:
    """A deployment that is configured: its file's name, what the file says, what the service is called."""

    name: str
    settings: DeploymentSettings
    service: str


def chosen_compute(
    layout: Layout, configured: Configuration, name: str | None = None, variable: str = "COMPUTE"
) -> Compute:
    """Return the compute called `name`; by default the one that `variable` of the environment names."""
    return Compute(*COMPUTES.chosen(layout, configured, name, variable))


def chosen_deployment(layout: Layout, configured: Configuration, name: str | None = None) -> Deployment:
    """Return the deployment called `name`; by default the one that the environment's DEPLOYMENT names."""
    chosen, settings = DEPLOYMENTS.chosen(layout, configured, name, "DEPLOYMENT")
    service = settings.service or configured.use_case.replace("_", "-")
    if problem := name_problem("service", service):
        file = f"configuration/deployment/{chosen}.yml"
        raise UsageError(f"{problem} It is the use case's: add a line 'service: ...' to {file}.")
    return Deployment(chosen, settings, service)
