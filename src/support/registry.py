"""The MLflow registry, opened by one process at a time where it is a SQLite file."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from support.errors import StepError

if TYPE_CHECKING:
    from mlflow import MlflowClient

SQLITE = "sqlite:///"
LOCK_SECONDS = 120


def open_registry(uri: str) -> MlflowClient:
    """Return a client of the MLflow store at `uri`; a missing SQLite file is created.

    Raises
    ------
    StepError
        When the store cannot be opened.
    """
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    # alembic and mlflow log each migration of a new file; nobody can act on it
    for name in ("alembic", "mlflow"):
        logging.getLogger(name).setLevel(logging.WARNING)
    try:
        with _locked(uri):
            client = MlflowClient(tracking_uri=uri, registry_uri=uri)
            client.search_registered_models(max_results=1)
    except MlflowException as error:
        raise StepError(f"--tracking-uri: cannot open {uri!r}: {error.message}") from error
    return client


@contextmanager
def _locked(uri: str) -> Iterator[None]:
    """Lock the SQLite file of `uri`: two processes that create MLflow's tables at once break each other."""
    from filelock import FileLock

    if not uri.startswith(SQLITE):
        yield
        return
    file = Path(uri.removeprefix(SQLITE)).absolute()
    file.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{file}.lock", timeout=LOCK_SECONDS):
        yield
