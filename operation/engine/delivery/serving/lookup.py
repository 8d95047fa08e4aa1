"""Finding models: by the scoring script, which verifies and tries them in a process of its own."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path

from operation.engine import configuration
from operation.engine.delivery.serving.models import write
from operation.engine.delivery.serving.settings import ServedModel, served_from
from operation.engine.foundation.errors import StepFailed, UsageError
from operation.engine.foundation.layout import Layout

FILES = ("model.json", "model.pickle")
SQLITE = "sqlite:///"
Signature = tuple[object, ...]


def registry_arguments(layout: Layout, environment: str | None, use_case: str | None) -> list[str]:
    """Return the arguments that name the use case's model in its registry.

    Raises
    ------
    UsageError
        When no step of the use case registers a model.
    """
    configured = configuration.load(environment, use_case, layout)
    names = ("name", "tracking-uri")
    for step in configured.steps.values():
        if set(names) <= step.arguments.keys():
            return [
                word for name in names for word in (f"--{name}", layout.in_runs(str(step.arguments[name])))
            ]
    raise UsageError(
        f"No step of '{configured.use_case}' registers a model. Name the folder of a model with --model."
    )


def find_model(layout: Layout, arguments: Sequence[str]) -> ServedModel:
    """Return the model that `arguments` name to ``score.py``, once it has been loaded and has predicted.

    Raises
    ------
    StepFailed
        With the script's message when there is none, or not the one that training wrote.
    """
    done = subprocess.run(
        [sys.executable, str(layout.src / "score.py"), *arguments],
        cwd=layout.root,
        env={**os.environ, "SCORE_ARGUMENTS": ""},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"score.py ended with code {done.returncode}"]
        raise StepFailed(lines[-1].removeprefix("error: "))
    return served_from(json.loads(done.stdout.splitlines()[-1]))


class ModelLookup:
    """Finds a model, each time anew.

    Parameters
    ----------
    layout : Layout
        The project.
    arguments : sequence of str
        What names the model to the scoring script.
    state : Path
        The service's folder: verified models are copied there, and served although the original changes.
    """

    def __init__(self, layout: Layout, arguments: Sequence[str], state: Path) -> None:
        self._layout, self._arguments, self._state = layout, tuple(arguments), state
        self._registry_state: object = None
        self._alias_target: Signature = ()

    def __call__(self) -> ServedModel:
        """Return the model, once it has been verified and has predicted; a StepFailed where there is none."""
        model = find_model(self._layout, self._arguments)
        return replace(model, folder=verified_copy(model, self._state / "models"))

    def signature(self) -> Signature:
        """Return what changes as soon as another model may be found, without loading it."""
        options = dict(zip(self._arguments[::2], self._arguments[1::2], strict=False))
        if "--model" in options:
            folder = self._layout.root / options["--model"]
            return tuple(file_signature(file) for name in FILES for file in sorted(folder.rglob(name)))
        uri, in_file = options["--tracking-uri"], options["--tracking-uri"].startswith(SQLITE)
        file = self._layout.root / uri.removeprefix(SQLITE)
        state = file_signature(file) if in_file else None
        first, changed = self._registry_state is None, state is None or state != self._registry_state
        if first or changed:
            self._registry_state = state or ""
        if changed and not first:  # a server is asked by MLflow, which takes seconds to import
            uri = f"{SQLITE}{file}" if in_file else uri
            self._alias_target = _alias_target(uri, options["--name"], options["--alias"])
        return self._alias_target


class RequestedChallenger:
    """Finds the challenger that a file, written by `request_challenger`, asks for; None where there is none.

    Parameters
    ----------
    layout : Layout
        The project.
    file : Path
        The request.
    state : Path
        The service's folder.
    """

    def __init__(self, layout: Layout, file: Path, state: Path) -> None:
        self._layout, self._file, self._state = layout, file, state
        self._arguments, self._lookup = list[str](), ModelLookup(layout, (), state)

    def __call__(self) -> ServedModel | None:
        """Return the challenger, as `ModelLookup` does."""
        return self._lookup() if self._is_requested() else None

    def signature(self) -> Signature:
        """Return what changes with the request, and with the model that it names."""
        return file_signature(self._file), self._lookup.signature() if self._is_requested() else ()

    def _is_requested(self) -> bool:
        arguments = requested_challenger(self._file)
        if arguments != self._arguments:
            self._arguments, self._lookup = arguments, ModelLookup(self._layout, arguments, self._state)
        return bool(arguments)


def request_challenger(file: Path, arguments: Sequence[str]) -> None:
    """Ask a service for the challenger that `arguments` name; for none where they are empty."""
    write(file, json.dumps(list(arguments)))


def requested_challenger(file: Path) -> list[str]:
    """Return the arguments that name the requested challenger."""
    try:
        arguments: list[str] = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return []
    return arguments


def verified_copy(model: ServedModel, folder: Path) -> Path:
    """Copy a model that was verified: whoever changes the original changes nothing that is served."""
    target = folder / model.digest[:16]
    if not target.is_dir():
        partial = target.with_suffix(".partial")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        for name in FILES:
            shutil.copyfile(model.folder / name, partial / name)
        partial.replace(target)
    return target


def _alias_target(uri: str, name: str, alias: str) -> Signature:
    """Return which version has an alias, as the tables of a SQLite file or the registry's client say."""
    if uri.startswith(SQLITE):
        with suppress(sqlite3.Error):  # the tables of another version of MLflow
            return _stored_target(Path(uri.removeprefix(SQLITE)), name, alias)
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    try:
        version = MlflowClient(uri, uri).get_model_version_by_alias(name, alias)
    except MlflowException as error:
        return (str(error),)
    return version.version, version.source


def _stored_target(file: Path, name: str, alias: str) -> Signature:
    question = "SELECT version FROM registered_model_aliases WHERE name = ? AND alias = ?"
    with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        row: Signature | None = connection.execute(question, (name, alias)).fetchone()
    return row or ()


def file_signature(file: Path) -> tuple[int, int] | None:
    """Return what changes with a file, None where it is missing."""
    try:
        stat = file.stat()
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_size
