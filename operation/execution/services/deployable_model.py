"""Which model is deployed: an alias of the registry here, or a digest or version in the workspace."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from operation.engine.configuration import Configuration
from operation.engine.delivery.serving.lookup import find_model, registry_arguments
from operation.engine.foundation.errors import UsageError
from operation.engine.foundation.layout import Layout
from operation.engine.identity.digests import Digests
from operation.execution import registered_models
from operation.execution.registered_models import ModelVersion

if TYPE_CHECKING:
    from azureml.core import Workspace

_VERSION = re.compile(r"(?P<name>[^:]+):(?P<version>\d+|newest)")
_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class DeployableModel:
    """A model that is registered in the workspace, and what it says of itself."""

    version: ModelVersion  # in the workspace
    facts: Mapping[str, Any]  # what its model.json holds

    @property
    def digest(self) -> str:
        """SHA-256 of its model.pickle: what the service checks, and every answer names."""
        return str(self.facts["digest"])

    @property
    def identity(self) -> str:
        """Its name and version, as Azure ML writes them."""
        return f"{self.version.name}:{self.version.version}"

    def __str__(self) -> str:
        return f"{self.identity} ({self.digest[:12]})"


def choose(
    workspace: Workspace, layout: Layout, configured: Configuration, name: str, *, register: bool = False
) -> DeployableModel:
    """Return the model that is called `name`."""
    if match := _VERSION.fullmatch(name):
        number = None if match["version"] == "newest" else int(match["version"])
        version = registered_models.find(workspace, match["name"], version=number)
        return _described(workspace, version)
    words = registry_arguments(layout, configured.environment, configured.use_case)
    if _DIGEST.fullmatch(name):
        return _described(workspace, registered_models.find(workspace, words[1], digest=name))
    folder = find_model(layout, [*words, "--alias", name]).folder
    version = _by_folder(workspace, layout, words[1], folder, name, register=register)
    return DeployableModel(version, _facts(folder))


def _by_folder(
    workspace: Workspace, layout: Layout, name: str, folder: Path, alias: str, *, register: bool
) -> ModelVersion:
    """Return the version in the workspace that has the same bytes as `folder`."""
    digest = Digests(layout.runs / "digests.db").of(folder).digest
    for version in registered_models.versions(workspace, name):
        if version.digest == digest:
            return version
    if register:
        return registered_models.register_folder(workspace, name, folder, digest)
    raise UsageError(
        f"the {alias} of '{name}' (digest {digest[:12]}) is not registered in workspace {workspace.name}. "
        "Add --register, or promote it from another environment: python3 -m operation models promote"
    )


def _described(workspace: Workspace, version: ModelVersion) -> DeployableModel:
    """Download a version for a moment, verify it, and read what it says of itself."""
    with tempfile.TemporaryDirectory() as folder:
        model = registered_models.download(workspace, version, Path(folder) / version.name)
        return DeployableModel(version, _facts(model))


def _facts(folder: Path) -> dict[str, Any]:
    file = folder / "model.json"
    if not file.is_file():
        raise UsageError(f"{folder.name} holds no model.json: src/score.py cannot serve it.")
    facts: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return facts
