"""Which model is served: by path, by its alias in the registry, or where Azure ML puts it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

from modelling import models
from support import step
from support.registry import aliased, open_registry

if TYPE_CHECKING:
    from mlflow import MlflowClient

AZURE = "AZUREML_MODEL_DIR"


@dataclass(frozen=True)
class Served:
    """Where a model is, and its name."""

    folder: Path  # holds model.pickle and model.json
    name: str | None = None  # as registered; None for a model named by its path
    version: str | None = None
    digest: str | None = None  # SHA-256 that the model must have; None: any

    def load(self) -> models.Model:
        """Return the model, verified before it is unpickled.

        Raises
        ------
        StepError
            When its bytes are not those that training wrote, or its digest is not the expected one.
        """
        self.check_digest(models.read_facts(self.folder))
        return models.load(self.folder)

    def check_digest(self, facts: Mapping[str, Any]) -> None:
        """Raise a StepError when `facts` describe another model than the expected one."""
        digest = str(facts["digest"])
        if self.digest and digest != self.digest:
            model = f"{self.name} version {self.version}" if self.name else "the requested model"
            raise step.StepError(
                f"{self.folder} is not {model}: its digest is {digest[:12]}, expected {self.digest[:12]}; "
                "it was not loaded, name the right model"
            )


def by_path(folder: Path, digest: str | None = None) -> Served:
    """Return the model in `folder`, or in the only folder below it that holds one.

    Raises
    ------
    StepError
        When there is none, or more than one.
    """
    if (folder / models.FACTS_FILE).is_file():
        return Served(folder, digest=digest)
    below = sorted(file.parent for file in folder.rglob(models.FACTS_FILE)) if folder.is_dir() else []
    if len(below) == 1:
        return Served(below[0], digest=digest)
    content = f"holds {len(below)} models: name one of them" if below else "holds no model: name its folder"
    raise step.StepError(f"{folder} {content}, the one with {models.MODEL_FILE} and {models.FACTS_FILE}")


def by_alias(name: str, alias: str, uri: str, digest: str | None = None) -> Served:
    """Return the model that has an alias in the registry at `uri`.

    Raises
    ------
    StepError
        When there is no such registry, model or alias, or its files are not on this machine.
    """
    found = aliased(uri, name, alias)
    if found is None:
        raise step.StepError(_missing(open_registry(uri), name, alias, uri))
    source = urlsplit(found.source)
    if source.scheme != "file":
        raise step.StepError(
            f"{name} version {found.version} is at {found.source}: download it and name its folder"
        )
    folder = by_path(Path(url2pathname(source.path))).folder
    return Served(folder, name, found.version, digest or found.digest)


def _missing(client: MlflowClient, name: str, alias: str, uri: str) -> str:
    """Say what the registry has instead of a model, and how to fix it."""
    aliases = {model.name: sorted(model.aliases) for model in client.search_registered_models()}
    if name not in aliases:
        nearest, known = step.nearest(name, aliases), step.listing(sorted(aliases)) or "none"
        return f"{uri} has no model {name!r}{nearest}; its models: {known}. Run register, or name a folder"
    nearest, known = step.nearest(alias, aliases[name]), step.listing(aliases[name]) or "none"
    return (
        f"model {name!r} has no alias {alias!r} in {uri}{nearest}; its aliases: {known}. "
        "Run register with --alias, or name the folder of a model"
    )


def by_azure(digest: str | None = None) -> Served:
    """Return the model in the folder that the environment variable AZUREML_MODEL_DIR names.

    The folder is ``.../azureml-models/<name>/<version>`` where the service has one model.
    """
    folder = os.environ.get(AZURE)
    if not folder:
        raise step.StepError(f"no model: give --model, or --name and --tracking-uri, or set {AZURE}")
    served = by_path(Path(folder), digest)
    parts = served.folder.parts
    if "azureml-models" in parts[:-2]:
        name, version = parts[parts.index("azureml-models") + 1 :][:2]
        return Served(served.folder, name, version, digest)
    return served
