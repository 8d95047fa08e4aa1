"""Which model is served: one in the image or mounted, one behind a URL, or one of an MLflow registry."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from operation.engine.delivery.image.runtime.registry import Registry, fetched
from operation.engine.delivery.image.runtime.variables import number
from operation.engine.delivery.image.runtime.web import Unreachable, Web, without_secrets
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
        of the registry at MLFLOW_TRACKING_URI. SCORE_DIGEST: its SHA-256, whole; needed unless
        a registry records it. SCORE_MODEL_NAME and SCORE_MODEL_VERSION: what responses call it, where no
        registry does. SCORE_PATIENCE: seconds to wait for a server that does not answer yet (60).
    settings : Settings
        Of the service.
    """

    def __init__(self, environment: Mapping[str, str], settings: Settings) -> None:
        self._environment, self._settings = environment, settings
        self._patience = number(environment, "SCORE_PATIENCE", PATIENCE)

    def __call__(self) -> ServedModel:
        """Return the model; the first time, a server that does not answer yet is waited for.

        Raises
        ------
        UsageError
            When nothing names one.
        StepFailed
            When it cannot be fetched, or is another than the one expected.
        """
        until, self._patience = time.monotonic() + self._patience, 0.0
        while True:
            try:
                return self._find()
            except Unreachable as error:
                if time.monotonic() > until:
                    raise
                print(f"waiting: {error}", file=sys.stderr, flush=True)
                time.sleep(PAUSE)

    def _find(self) -> ServedModel:
        source, digest = self._environment.get("SCORE_MODEL", ""), _digest(self._environment)
        models = self._settings.state / "models"
        if named := REGISTERED.fullmatch(source):
            registry = Registry(self._environment)
            model = registry.version(named["name"], named["alias"], named["version"], digest)
            return ServedModel(registry.fetched(model, models), model.name, model.version, model.digest)
        _check(source, digest)
        folder = Path(source)
        if source.startswith(("http://", "https://")):
            folder = fetched(Web(self._environment), lambda file: _file_url(source, file), digest, models)
        name, version = (self._environment.get(f"SCORE_MODEL_{part}") or None for part in ("NAME", "VERSION"))
        return ServedModel(folder, name, version, digest)


def _digest(environment: Mapping[str, str]) -> str:
    digest = environment.get("SCORE_DIGEST")
    if digest is not None and not re.fullmatch(r"[0-9a-fA-F]{64}", digest):
        raise UsageError(f"SCORE_DIGEST: expected a whole SHA-256, 64 hexadecimal digits, got {digest!r}")
    return (digest or "").lower()


def _check(source: str, digest: str) -> None:
    if not source:
        raise UsageError("SCORE_MODEL is not set: name a folder, the URL of one, or models:/<name>@<alias>")
    if source.startswith("models:"):
        raise UsageError(f"SCORE_MODEL: {source!r} is not models:/<name>@<alias> or models:/<name>/<version>")
    if not digest:
        raise UsageError(
            f"SCORE_DIGEST is not set: only a digest from elsewhere proves that {without_secrets(source)} is "
            "the expected model. Copy it from model.json where the model was trained."
        )


def _file_url(folder: str, file: str) -> str:
    """Return the URL of a file in a folder; what follows ``?``, such as a signature, holds for both."""
    path, mark, query = folder.partition("?")
    return f"{path.rstrip('/')}/{file}{mark}{query}"
