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
from operation.execution import models
from operation.execution.models import Registered

if TYPE_CHECKING:
    from azureml.core import Workspace

_VERSION = re.compile(r"(?P<name>[^:]+):(?P<version>\d+)")
_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Chosen:
    """A model that is registered in the workspace, and what it says of itself."""

    model: Registered  # its version in the workspace
    facts: Mapping[str, Any]  # what its model.json holds

    @property
    def digest(self) -> str:
        """SHA-256 of its model.pickle: what the service checks, and every answer names."""
        return str(self.facts["digest"])

    @property
    def identity(self) -> str:
        """Its name and version, as Azure ML writes them."""
        return f"{self.model.name}:{self.model.version}"

    def __str__(self) -> str:
        return f"{self.identity} ({self.digest[:12]})"


def choose(
    workspace: Workspace, layout: Layout, configured: Configuration, named: str, *, register: bool = False
) -> Chosen:
    """Return the model that is called `named`."""
    version = _VERSION.fullmatch(named)
    if version:
        return _described(workspace, models.find(workspace, version["name"], version=int(version["version"])))
    words = registry_arguments(layout, configured.environment, configured.use_case)
    if _DIGEST.fullmatch(named):
        return _described(workspace, models.find(workspace, words[1], digest=named))
    folder = find_model(layout, [*words, "--alias", named]).folder
    return Chosen(_by_folder(workspace, layout, words[1], folder, named, register=register), _facts(folder))


def _by_folder(
    workspace: Workspace, layout: Layout, name: str, folder: Path, alias: str, *, register: bool
) -> Registered:
    """Return the version in the workspace that has the same bytes as `folder`."""
    digest = Digests(layout.runs / "digests.db").of(folder).digest
    same = [one for one in models.versions(workspace, name) if one.digest == digest]
    if same:
        return same[0]
    if register:
        return models.register_folder(workspace, name, folder, digest)
    raise UsageError(
        f"the {alias} of '{name}' (digest {digest[:12]}) is not registered in workspace {workspace.name}: "
        "add --register, or promote it from another environment with: python3 -m operation models promote"
    )


def _described(workspace: Workspace, found: Registered) -> Chosen:
    """Download a version for a moment, verify it, and read what it says of itself."""
    with tempfile.TemporaryDirectory() as aside:
        return Chosen(found, _facts(models.download(workspace, found, Path(aside) / found.name)))


def _facts(folder: Path) -> dict[str, Any]:
    file = folder / "model.json"
    if not file.is_file():
        raise UsageError(f"{folder.name} holds no model.json: it is no model that src/score.py can serve.")
    facts: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return facts
