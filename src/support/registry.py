"""The MLflow registry, opened by one process at a time where it is a SQLite file."""

from __future__ import annotations

import logging
import sqlite3
import sys
import warnings
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from support.errors import StepError

if TYPE_CHECKING:
    from mlflow import MlflowClient

SQLITE = "sqlite:///"
LOCK_SECONDS = 120
HEAD = "ledger"  # tag of a model: the last entry of the ledger about it


def open_registry(uri: str) -> MlflowClient:
    """Return a client of the MLflow store at `uri`; a missing SQLite file is created.

    Raises
    ------
    StepError
        When the store cannot be opened.
    """
    _forbid_azure(uri)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Failure attempting to register")  # the plugin of Azure ML
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


def _forbid_azure(uri: str) -> None:
    """Keep MLflow from loading its plugin of Azure ML for a local file; the cells of a kernel may need it."""
    if uri.startswith(SQLITE) and "IPython" not in sys.modules:
        sys.modules.setdefault("azureml.mlflow", None)  # type: ignore[arg-type]  # the documented way


class Aliased(NamedTuple):
    """The version that an alias points to, and where its files are."""

    version: str
    source: str
    digest: str | None


def aliased_digest(uri: str, name: str, alias: str) -> str | None:
    """Return the digest of the model that `alias` of `name` points to, None when it points to none."""
    found = aliased(uri, name, alias)
    return found.digest if found else None


def aliased(uri: str, name: str, alias: str) -> Aliased | None:
    """Return what `alias` of `name` points to, None when it points to nothing.

    A SQLite file is read as MLflow's tables stand in it, in a millisecond: importing MLflow takes seconds.
    """
    if uri.startswith(SQLITE):
        with suppress(sqlite3.Error):  # the tables of another version of MLflow
            return _read_alias(uri, name, alias)
    return _ask_alias(uri, name, alias)


def _read_alias(uri: str, name: str, alias: str) -> Aliased | None:
    question = (
        "SELECT version, source, value"
        " FROM registered_model_aliases JOIN model_versions USING (name, version)"
        " LEFT JOIN (SELECT * FROM model_version_tags WHERE key = 'digest') USING (name, version)"
        " WHERE name = ? AND alias = ?"
    )
    row = _query(uri, question, name, alias)
    return Aliased(str(row[0]), str(row[1]), row[2]) if row else None


def read_head(uri: str, name: str) -> str | None:
    """Return what a SQLite file remembers of the ledger's last entry about a model, None when nothing.

    Raises
    ------
    sqlite3.Error
        When the file has other tables than this version of MLflow.
    """
    row = _query(uri, "SELECT value FROM registered_model_tags WHERE name = ? AND key = ?", name, HEAD)
    return str(row[0]) if row else None


def _query(uri: str, question: str, *values: str) -> tuple[Any, ...] | None:
    file = Path(uri.removeprefix(SQLITE))
    if not file.is_file():
        return None
    with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        row: tuple[Any, ...] | None = connection.execute(question, values).fetchone()
    return row


def _ask_alias(uri: str, name: str, alias: str) -> Aliased | None:
    from mlflow.exceptions import MlflowException

    try:
        version = open_registry(uri).get_model_version_by_alias(name, alias)
    except MlflowException:
        return None
    return Aliased(str(version.version), str(version.source), version.tags.get("digest"))


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
