"""What an environment needs in Azure, by the Azure CLI; in the emulator it is only recorded."""

import json
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from operation.engine.configuration import environment_variables
from operation.engine.foundation import manifest
from operation.engine.foundation.errors import UsageError, WorkbenchError
from operation.engine.foundation.layout import Layout

# of the template: variable of the environment
PARAMETERS = {
    "environment": "ENVIRONMENT",
    "resourceGroup": "RESOURCE_GROUP",
    "location": "LOCATION",
    "workspace": "AMLWORKSPACE",
    "storageAccount": "STORAGEACCOUNT",
    "keyVault": "KEYVAULT",
    "appInsights": "APPINSIGHTS",
    "containerRegistry": "CONTAINERREGISTRY",
}
# what is billed; prices differ by region and change: https://azure.microsoft.com/pricing/calculator
COSTS = {
    "Microsoft.ContainerRegistry/registries": "billed each day, also when nobody uses it",
    "Microsoft.Storage/storageAccounts": "by what is stored and read",
    "Microsoft.OperationalInsights/workspaces": "by each GB of logs, kept for 30 days",
    "Microsoft.KeyVault/vaults": "by operations: next to nothing",
    "Microsoft.MachineLearningServices/workspaces": "free; its compute is billed while nodes run",
}
_PARAMETER = re.compile(r"parameters\('(\w+)'\)")
_TEXT = re.compile(r"'([^']*)'")


@dataclass(frozen=True)
class Resource:
    """A resource of the template under its name in one environment."""

    kind: str
    name: str
    body: Mapping[str, Any]


def template_file(layout: Layout) -> Path:
    """Return the ARM template."""
    return layout.root / "operation" / "pipelines" / "infrastructure.json"


def parameters(layout: Layout, environment: str | None) -> dict[str, str]:
    """Return the template's parameters, from the environment's variables."""
    variables = environment_variables(environment, layout)
    values = {name: variables[variable].text for name, variable in PARAMETERS.items()}
    principal = variables.get("PIPELINEPRINCIPAL")
    return {**values, "pipelinePrincipal": principal.text if principal else ""}


def resources(layout: Layout, values: Mapping[str, str]) -> list[Resource]:
    """Return what the template names, but for the deployments within it."""
    outer = json.loads(template_file(layout).read_text(encoding="utf-8"))["resources"]
    inner = [
        part
        for nested in outer
        for part in nested.get("properties", {}).get("template", {}).get("resources", [])
    ]
    named = [part for part in [*outer, *inner] if not part["type"].endswith("/deployments")]
    wanted = [part for part in named if "condition" not in part or values["pipelinePrincipal"]]
    return [Resource(part["type"], _filled(part["name"], values), part) for part in wanted]


def _filled(expression: str, values: Mapping[str, str]) -> str:
    """Return the name that ``[parameters('x')]`` or ``[concat(...)]`` gives; others are shown as they are."""
    filled = _PARAMETER.sub(lambda match: f"'{values.get(match[1], '')}'", expression)
    return "".join(_TEXT.findall(filled)) if filled.startswith(("['", "[concat(")) else expression


class Azure:
    """The Azure CLI, logged in by the pipeline or by ``az login``."""

    def __init__(self, layout: Layout, values: Mapping[str, str]) -> None:
        self._layout, self._values = layout, values
        if not shutil.which("az"):
            raise UsageError(
                "the Azure CLI (az) is not installed. Install it and log in with `az login`, "
                "or try this out with --emulator."
            )

    def what_if(self) -> None:
        """Print what applying the template would change."""
        self._az("deployment", "sub", "what-if", *self._deployment())

    def apply(self) -> None:
        """Create or update everything."""
        self._az("deployment", "sub", "create", "--output", "table", *self._deployment())

    def remove(self) -> None:
        """Delete the resource group and all that it holds."""
        self._az("group", "delete", "--yes", "--name", self._values["resourceGroup"])

    def _deployment(self) -> list[str]:
        words = [f"{name}={value}" for name, value in self._values.items()]
        name = f"workbench-{self._values['environment']}"
        file = str(template_file(self._layout))
        location = self._values["location"]
        return ["--name", name, "--location", location, "--template-file", file, "--parameters", *words]

    def _az(self, *words: str) -> None:
        done = subprocess.run(["az", *words], check=False)
        if done.returncode:
            raise WorkbenchError(
                f"az {' '.join(words[:3])} ended with exit code {done.returncode}: see above."
            )


class Emulated:
    """The same without a subscription: a file that says what there would be."""

    def __init__(self, layout: Layout, values: Mapping[str, str]) -> None:
        self._values, self._resources = values, resources(layout, values)
        self._file = layout.runs / "emulator" / f"infrastructure-{values['environment']}.json"

    def what_if(self) -> None:
        """Print each resource: whether it would be created or changed."""
        before = manifest.read(self._file) or {}
        for resource in self._resources:
            known = before.get(f"{resource.kind} {resource.name}")
            change = (
                "create" if known is None else "no change" if known == self._state(resource) else "change"
            )
            print(f"{change:10} {resource.kind:45} {resource.name}")

    def apply(self) -> None:
        """Record everything."""
        content = {f"{resource.kind} {resource.name}": self._state(resource) for resource in self._resources}
        self._file.parent.mkdir(parents=True, exist_ok=True)
        manifest.write(self._file, content)
        print(f"{len(content)} resources recorded in the emulator")

    def remove(self) -> None:
        """Forget everything."""
        self._file.unlink(missing_ok=True)
        print(f"resource group {self._values['resourceGroup']} removed from the emulator")

    def _state(self, resource: Resource) -> dict[str, Any]:
        return {"resource": dict(resource.body), "parameters": dict(self._values)}
