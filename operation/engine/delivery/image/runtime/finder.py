"""Which model is served: one in the image or mounted, one behind a URL, or one of an MLflow registry."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from operation.engine.delivery.image.runtime.download import fetched
from operation.engine.delivery.image.runtime.registry import Registry
from operation.engine.delivery.image.runtime.variables import number
from operation.engine.delivery.image.runtime.web import Unreachable, Web, shown
from operation.engine.delivery.serving.settings import ServedModel, Settings
from operation.engine.foundation.errors import UsageError

PATIENCE = 60.0  # seconds: the services of one composition start in any order
PAUSE = 1.0
REGISTERED = re.compile(r"models:/(?P<name>[^/@]+)(?:@(?P<alias>[^/@]+)|/(?P<version>\d+))")


class Finder:
    """Finds the model that the environment names, each time anew.

    Parameters
    ----------
    environment : mapping of str to str
        SCORE_MODEL: a folder, the URL of one, or ``models:/<name>@<alias>`` or ``models:/<name>/<version>``
        of the registry at MLFLOW_TRACKING_URI. SCORE_DIGEST: what its digest must begin with; needed unless
        a registry tells it. SCORE_MODEL_NAME and SCORE_MODEL_VERSION: what answers call it, where no
        registry does. SCORE_PATIENCE: seconds to wait for whoever does not answer yet (60).
    settings : Settings
        Of the service.
    """

    def __init__(self, environment: Mapping[str, str], settings: Settings) -> None:
        self._environment, self._settings = environment, settings
        self._patience = number(environment, "SCORE_PATIENCE", PATIENCE)
        self._is_first = True

    def __call__(self) -> ServedModel:
        """Return the model; at the first time, whoever does not answer yet is waited for.

        Raises
        ------
        UsageError
            When nothing names one.
        StepFailed
            When it cannot be had, or is another than the one meant.
        """
        if not self._is_first:
            return self._found()
        found, self._is_first = self._waited(self._found), False
        return found

    def _found(self) -> ServedModel:
        named, digest = self._environment.get("SCORE_MODEL", ""), self._environment.get("SCORE_DIGEST", "")
        models = self._settings.state / "models"
        if registered := REGISTERED.fullmatch(named):
            registry = Registry.at(self._environment)
            one = registry.version(registered["name"], registered["alias"], registered["version"], digest)
            return ServedModel(registry.fetched(one, models), one.name, one.version, one.digest)
        self._check(named, digest)
        folder = Path(named)
        if named.startswith(("http://", "https://")):
            folder = fetched(Web(self._environment), lambda file: _beside(named, file), digest, models)
        told = [self._environment.get(f"SCORE_MODEL_{word}") or None for word in ("NAME", "VERSION")]
        return ServedModel(folder, told[0], told[1], digest)

    def _check(self, named: str, digest: str) -> None:
        if not named:
            raise UsageError(
                "SCORE_MODEL is not set: name a folder, the URL of one, or models:/<name>@<alias>"
            )
        if named.startswith("models:"):
            raise UsageError(
                f"SCORE_MODEL: {named!r} is not models:/<name>@<alias> or models:/<name>/<version>"
            )
        if not digest:
            raise UsageError(
                f"SCORE_DIGEST is not set: only a digest from elsewhere tells whether {shown(named)} is the "
                "model that was meant; its model.json tells it where it was trained"
            )

    def _waited(self, find: Callable[[], ServedModel]) -> ServedModel:
        """Ask again and again while nobody answers, as long as there is patience."""
        until = time.monotonic() + self._patience
        while True:
            try:
                return find()
            except Unreachable as error:
                if time.monotonic() > until:
                    raise
                print(f"waiting: {error}", file=sys.stderr, flush=True)
                time.sleep(PAUSE)


def _beside(folder: str, file: str) -> str:
    """Return the URL of a file in a folder; what follows ``?``, such as a signature, holds for both."""
    place, mark, query = folder.partition("?")
    return f"{place.rstrip('/')}/{file}{mark}{query}"
