"""Which model is served: found by path, by its alias in the registry, or where Azure ML puts it."""

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
from support.registry import open_registry

if TYPE_CHECKING:
    from mlflow import MlflowClient

AZURE = "AZUREML_MODEL_DIR"


@dataclass(frozen=True)
class Served:
    """A model's place and name.

    Parameters
    ----------
    folder : Path
        Holds model.pickle and model.json.
    name, version : str or None
        As registered; None for one that is given by its path.
    digest : str or None
        What the model's digest must be; None where only model.json says.
    """

    folder: Path
    name: str | None = None
    version: str | None = None
    digest: str | None = None

    def load(self) -> models.Model:
        """Return the model, verified before it is unpickled.

        Raises
        ------
        StepError
            When its bytes are not those that training wrote, or it is another model than the one meant.
        """
        self.check_digest(models.read_facts(self.folder))
        return models.load(self.folder)

    def check_digest(self, facts: Mapping[str, Any]) -> None:
        """Raise a StepError when `facts` are those of another model than the one meant."""
        found = str(facts["digest"])
        if self.digest and found != self.digest:
            meant = f"{self.name} version {self.version}" if self.name else "the one asked for"
            raise step.StepError(
                f"{self.folder} is not {meant}: its digest is {found[:12]}, that of {meant} is "
                f"{self.digest[:12]}; it was not loaded, name the right model"
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
    found = f"holds {len(below)} models: name one of them" if below else "holds no model: name its folder"
    raise step.StepError(f"{folder} {found}, the one with {models.MODEL_FILE} and {models.FACTS_FILE}")


def by_alias(name: str, alias: str, uri: str, digest: str | None = None) -> Served:
    """Return the model that has an alias in the registry at `uri`.

    Raises
    ------
    StepError
        When there is no such registry, model or alias, or its files are elsewhere.
    """
    from mlflow.exceptions import MlflowException

    client = open_registry(uri)
    try:
        version = client.get_model_version_by_alias(name, alias)
    except MlflowException as error:
        raise step.StepError(_missing(client, name, alias, uri)) from error
    source = urlsplit(str(version.source))
    if source.scheme != "file":
        raise step.StepError(
            f"{name} version {version.version} is at {version.source}: name the folder it was downloaded to"
        )
    found = by_path(Path(url2pathname(source.path)))
    return Served(found.folder, name, str(version.version), digest or version.tags.get("digest"))


def _missing(client: MlflowClient, name: str, alias: str, uri: str) -> str:
    """Say what there is instead of a model that was not found, and how to have it."""
    known = {one.name: sorted(one.aliases) for one in client.search_registered_models()}
    if name not in known:
        nearest, there_are = step.nearest(name, known), step.listing(sorted(known)) or "none"
        return (
            f"{uri} has no model {name!r}{nearest}; its models: {there_are}. Run register, or name a folder"
        )
    nearest, there_are = step.nearest(alias, known[name]), step.listing(known[name]) or "none"
    return (
        f"model {name!r} has no alias {alias!r} in {uri}{nearest}; its aliases: {there_are}. "
        "Run register with --alias, or name the folder of a model"
    )


def by_azure(digest: str | None = None) -> Served:
    """Return the model that Azure ML has put where the environment variable AZUREML_MODEL_DIR says.

    The folder is ``.../azureml-models/<name>/<version>`` where the service has one model.
    """
    place = os.environ.get(AZURE)
    if not place:
        raise step.StepError(f"no model: give --model, or --name and --tracking-uri, or set {AZURE}")
    found = by_path(Path(place), digest)
    parts = found.folder.parts
    if "azureml-models" in parts[:-2]:
        name, version = parts[parts.index("azureml-models") + 1 :][:2]
        return Served(found.folder, name, version, digest)
    return found
