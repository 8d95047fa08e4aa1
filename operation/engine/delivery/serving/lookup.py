"""Models that are looked up: by the scoring script, and kept as they were verified."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from operation.engine.delivery.serving.model import by_words
from operation.engine.delivery.serving.models import write
from operation.engine.delivery.serving.settings import ServedModel
from operation.engine.foundation.layout import Layout

FILES = ("model.json", "model.pickle")
SQLITE = "sqlite:///"
Signature = tuple[object, ...]


class Lookup:
    """Finds a model, each time anew.

    Parameters
    ----------
    layout : Layout
        The project.
    words : sequence of str
        What names the model to the scoring script.
    state : Path
        The service's folder: what was verified is kept there, and served also when the original is changed.
    """

    def __init__(self, layout: Layout, words: Sequence[str], state: Path) -> None:
        self._layout, self._words, self._state = layout, tuple(words), state
        self._written: object = None
        self._aliased: Signature = ()

    def __call__(self) -> ServedModel:
        """Return the model, once it has been verified and has predicted.

        Raises
        ------
        StepFailed
            When there is none, or not the one that training wrote.
        """
        found = by_words(self._layout, self._words)
        return replace(found, folder=kept(found, self._state / "models"))

    def signature(self) -> Signature:
        """Return what is another thing as soon as another model may be found, without loading it."""
        given = dict(zip(self._words[::2], self._words[1::2], strict=False))
        if "--model" in given:
            folder = self._layout.root / given["--model"]
            return tuple(seen(file) for name in FILES for file in sorted(folder.rglob(name)))
        written = self._registry_file(given["--tracking-uri"])
        if self._written is None:  # the client takes seconds to import: not before there is something to ask
            self._written = written or ""
        elif written is None or written != self._written:
            self._written = written or ""
            self._aliased = _aliased(
                self._absolute(given["--tracking-uri"]), given["--name"], given["--alias"]
            )
        return self._aliased

    def _registry_file(self, uri: str) -> object:
        """Return what changes with the file of a registry; None where it is not in one."""
        return seen(self._layout.root / uri.removeprefix(SQLITE)) if uri.startswith(SQLITE) else None

    def _absolute(self, uri: str) -> str:
        file = self._layout.root / uri.removeprefix(SQLITE)
        return f"{SQLITE}{file}" if uri.startswith(SQLITE) else uri


class Requested:
    """Finds the challenger that a file asks for; none where it asks for none.

    Parameters
    ----------
    layout : Layout
        The project.
    file : Path
        As `ask` writes it.
    state : Path
        The service's folder.
    """

    def __init__(self, layout: Layout, file: Path, state: Path) -> None:
        self._layout, self._file, self._state = layout, file, state
        self._words, self._lookup = list[str](), Lookup(layout, (), state)

    def __call__(self) -> ServedModel | None:
        """Return the challenger, as `Lookup` does."""
        return self._lookup() if self._look() else None

    def signature(self) -> Signature:
        """Return what changes with the request, and with the model that it names."""
        return seen(self._file), self._lookup.signature() if self._look() else ()

    def _look(self) -> bool:
        """Return whether there is to be a challenger; the one asked for is looked up from now on."""
        words = asked(self._file)
        if words != self._words:
            self._words, self._lookup = words, Lookup(self._layout, words, self._state)
        return bool(words)


def ask(file: Path, words: Sequence[str]) -> None:
    """Ask a service for a challenger; no words: for none."""
    write(file, json.dumps(list(words)))


def asked(file: Path) -> list[str]:
    """Return the words of the challenger that a service was asked for."""
    try:
        found: list[str] = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return []
    return found


def kept(model: ServedModel, folder: Path) -> Path:
    """Copy a model that was verified; whoever changes the original changes nothing that is served."""
    target = folder / model.digest[:16]
    if not target.is_dir():
        partial = target.with_suffix(".partial")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        for name in FILES:
            shutil.copyfile(model.folder / name, partial / name)
        partial.replace(target)
    return target


def _aliased(uri: str, name: str, alias: str) -> Signature:
    """Return which version has an alias, as the registry's own client says."""
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    try:
        version = MlflowClient(uri, uri).get_model_version_by_alias(name, alias)
    except MlflowException as error:
        return (str(error),)
    return version.version, version.source


def seen(file: Path) -> tuple[int, int] | None:
    """Return what changes with a file, None where it is not there."""
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size
