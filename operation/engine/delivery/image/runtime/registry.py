"""Models of an MLflow tracking server, through its REST interface: its client is larger than the service.

https://mlflow.org/docs/latest/api_reference/rest-api.html; files of a version come from the server too
(``/model-versions/get-artifact``), wherever it keeps them.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from operation.engine.delivery.image.runtime.web import RequestFailed, Web, without_secrets
from operation.engine.foundation.errors import StepFailed, UsageError
from operation.engine.foundation.nearest import did_you_mean, listed

API = "api/2.0/mlflow"
FACTS, MODEL = "model.json", "model.pickle"


@dataclass(frozen=True)
class Registered:
    """A version of a registered model: name, version, and the digest that training recorded."""

    name: str
    version: str
    digest: str


class Registry:
    """The registry of the MLflow tracking server that MLFLOW_TRACKING_URI names.

    Raises
    ------
    UsageError
        When it is none that can be asked over HTTP.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        uri = environment.get("MLFLOW_TRACKING_URI", "")
        if not uri.startswith(("http://", "https://")):
            state = f"is {without_secrets(uri)}" if uri else "is not set"
            azure = (
                "; for Azure ML, build an image that holds its model" if uri.startswith("azureml:") else ""
            )
            raise UsageError(
                f"MLFLOW_TRACKING_URI {state}: name an MLflow tracking server, as https://mlflow.example.com"
                f"{azure}"
            )
        self._uri, self._web = uri.rstrip("/"), Web(environment, signed=True)

    def version(self, name: str, alias: str | None, version: str | None, digest: str = "") -> Registered:
        """Return the version of model `name` that has an alias, or is the one named.

        Raises
        ------
        StepFailed
            When there is none, its digest is not `digest`, or it has none and `digest` is empty.
        """
        path, query = "model-versions/get", {"name": name, "version": str(version)}
        if alias:
            path, query = "registered-models/alias", {"name": name, "alias": alias}
        try:
            found = self._get(path, query)["model_version"]
        except RequestFailed as error:
            if error.status not in (400, 404):  # a missing alias is a wrong request to MLflow
                raise
            raise StepFailed(self._missing(name, alias, version)) from None
        return _checked(name, found, digest)

    def fetched(self, model: Registered, models: Path) -> Path:
        """Return the folder below `models` that holds the version's files, fetched unless it is there."""

        def url(file: str) -> str:
            query = {"name": model.name, "version": model.version, "path": file}
            return f"{self._uri}/model-versions/get-artifact?{urlencode(query)}"

        return fetched(self._web, url, model.digest, models)

    def _missing(self, name: str, alias: str | None, version: str | None) -> str:
        server, model = without_secrets(self._uri), self.model(name)
        if model is None:
            registered = self._get("registered-models/search", {"max_results": "100"})
            names = [str(model["name"]) for model in registered.get("registered_models", ())]
            hint = did_you_mean(name, names)
            return f"there is no model {name!r} in {server}.{hint} There is: {listed(names, 'and')}"
        if version:
            return f"{name} has no version {version} in {server}"
        aliases = sorted(str(entry["alias"]) for entry in model.get("aliases", ()))
        hint = did_you_mean(str(alias), aliases)
        return f"{name} has no alias {alias!r} in {server}.{hint} There is: {listed(aliases, 'and')}"

    def model(self, name: str) -> dict[str, Any] | None:
        """Return a registered model with its tags and aliases; None where the server has none."""
        try:
            model: dict[str, Any] = self._get("registered-models/get", {"name": name})["registered_model"]
        except RequestFailed as error:
            if error.status != 404:
                raise
            return None
        return model

    def _get(self, path: str, query: Mapping[str, str]) -> dict[str, Any]:
        return self._web.document(f"{self._uri}/{API}/{path}?{urlencode(query)}")


def _checked(name: str, found: Mapping[str, Any], digest: str) -> Registered:
    version = str(found["version"])
    tags = {str(tag["key"]): str(tag["value"]) for tag in found.get("tags", ())}
    recorded = tags.get("digest", "")
    if not (recorded or digest):
        raise StepFailed(
            f"{name} version {version} has no tag 'digest'. Register it with the step `register`, "
            "or set SCORE_DIGEST."
        )
    if digest and recorded and recorded != digest:
        raise StepFailed(
            f"{name} version {version} is not the expected model: its digest is {recorded[:12]}, "
            f"SCORE_DIGEST is {digest[:12]}. It was not loaded."
        )
    return Registered(name, version, recorded or digest)


def fetched(web: Web, url: Callable[[str], str], digest: str, models: Path) -> Path:
    """Return the folder of a model below `models`, fetched unless it is there: whole, or not at all.

    Parameters
    ----------
    web : Web
        Fetches it.
    url : callable
        Where a file of the model is, by its name.
    digest : str
        What the SHA-256 of model.pickle must be.
    models : Path
        Folder to fetch it into.

    Raises
    ------
    StepFailed
        When it cannot be fetched or written, or is another model; nothing of it stays.
    """
    target = models / digest
    if target.is_dir() and _digest(target / MODEL) == digest:
        return target
    partial = target.with_name(f"{target.name}.partial-{os.getpid()}")
    try:
        partial.mkdir(parents=True, exist_ok=True)
        for file in (FACTS, MODEL):
            with (partial / file).open("wb") as stream:
                for piece in web.pieces(url(file)):
                    stream.write(piece)
        fetched_digest = _digest(partial / MODEL)
        if fetched_digest != digest:
            raise StepFailed(
                f"{without_secrets(url(MODEL))} is not the expected model: its digest is "
                f"{fetched_digest[:12]}, expected {digest[:12]}. It was not loaded."
            )
        shutil.rmtree(target, ignore_errors=True)
        partial.replace(target)
    except OSError as error:
        raise StepFailed(f"cannot write the model to {models}: {error.strerror or error}") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return target


def _digest(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
