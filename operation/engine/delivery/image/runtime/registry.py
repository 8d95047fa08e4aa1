"""Models of an MLflow tracking server, through its REST interface: its client is larger than the service.

https://mlflow.org/docs/latest/api_reference/rest-api.html; files of a version come from the server too
(``/model-versions/get-artifact``), wherever it keeps them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from operation.engine.delivery.image.runtime.download import fetched
from operation.engine.delivery.image.runtime.web import NotThere, Refused, Web, shown
from operation.engine.foundation.errors import StepFailed, UsageError
from operation.engine.foundation.nearest import did_you_mean, listed

API = "api/2.0/mlflow"


@dataclass(frozen=True)
class Registered:
    """A version of a registered model: name, version, and digest as training told it."""

    name: str
    version: str
    digest: str


class Registry:
    """The registry of an MLflow tracking server.

    Parameters
    ----------
    uri : str
        Of the server.
    web : Web
        Asks it.
    """

    def __init__(self, uri: str, web: Web) -> None:
        self._uri, self._web = uri.rstrip("/"), web

    @classmethod
    def at(cls, environment: Mapping[str, str]) -> Registry:
        """Return the registry that MLFLOW_TRACKING_URI names.

        Raises
        ------
        UsageError
            When it is none that can be asked over HTTP.
        """
        uri = environment.get("MLFLOW_TRACKING_URI", "")
        if not uri.startswith(("http://", "https://")):
            told = f"is {shown(uri)}" if uri else "is not set"
            azure = "; of Azure ML, let the image hold the model" if uri.startswith("azureml:") else ""
            raise UsageError(
                f"MLFLOW_TRACKING_URI {told}: name an MLflow tracking server, as https://mlflow.example.com"
                f"{azure}"
            )
        return cls(uri, Web(environment, signed=True))

    def version(self, name: str, alias: str | None, version: str | None, digest: str = "") -> Registered:
        """Return the version of `name` that has an alias, or is the one named.

        Parameters
        ----------
        name, alias, version : str
            Of the model; one of the last two.
        digest : str, optional
            What its digest must begin with.

        Raises
        ------
        StepFailed
            When there is none, it is another, or nobody has told its digest.
        """
        if alias:
            path, words = "registered-models/alias", {"name": name, "alias": alias}
        else:
            path, words = "model-versions/get", {"name": name, "version": str(version)}
        try:
            found = self._asked(path, words)["model_version"]
        except (NotThere, Refused):  # an alias that is not there is a wrong request to MLflow
            raise StepFailed(self._missing(name, alias, version)) from None
        return self._checked(name, found, digest)

    def fetched(self, one: Registered, models: Path) -> Path:
        """Return the folder below `models` that holds the version's files, fetched unless it is there."""

        def url(file: str) -> str:
            words = {"name": one.name, "version": one.version, "path": file}
            return f"{self._uri}/model-versions/get-artifact?{urlencode(words)}"

        return fetched(self._web, url, one.digest, models)

    def _checked(self, name: str, found: Mapping[str, Any], digest: str) -> Registered:
        version = str(found["version"])
        tags = {str(tag["key"]): str(tag["value"]) for tag in found.get("tags", ())}
        told = tags.get("digest", "")
        if not (told or digest):
            raise StepFailed(
                f"{name} version {version} has no tag 'digest': register it with the step `register`, "
                "or set SCORE_DIGEST"
            )
        if digest and told and not told.startswith(digest):
            raise StepFailed(
                f"{name} version {version} is not the model that was meant: its digest is {told[:12]}, "
                f"SCORE_DIGEST is {digest[:12]}; it was not loaded"
            )
        return Registered(name, version, told or digest)

    def _missing(self, name: str, alias: str | None, version: str | None) -> str:
        try:
            model = self._asked("registered-models/get", {"name": name})["registered_model"]
        except NotThere:
            known = self._names()
            told = f"there is no model {name!r} in {shown(self._uri)}.{did_you_mean(name, known)}"
            return f"{told} There is: {listed(known, 'and')}"
        if version:
            return f"{name} has no version {version} in {shown(self._uri)}"
        aliases = sorted(str(one["alias"]) for one in model.get("aliases", ()))
        return (
            f"{name} has no alias {alias!r} in {shown(self._uri)}.{did_you_mean(str(alias), aliases)} "
            f"There is: {listed(aliases, 'and')}"
        )

    def _names(self) -> Iterable[str]:
        found = self._asked("registered-models/search", {"max_results": "100"})
        return [str(one["name"]) for one in found.get("registered_models", ())]

    def _asked(self, path: str, words: Mapping[str, str]) -> dict[str, Any]:
        return self._web.document(f"{self._uri}/{API}/{path}?{urlencode(words)}")
