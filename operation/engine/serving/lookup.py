"""Models that are looked up: by the scoring script, and kept as they were verified."""

from __future__ import annotations

import json
import shutil
import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from operation.engine.layout import Layout
from operation.engine.serving.model import by_words
from operation.engine.serving.settings import ServedModel

FILES = ("model.json", "model.pickle")
SQLITE = "sqlite:///"
REMOTE_SECONDS = 300  # a registry that is no file is asked so often
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
        """Return what is another thing as soon as another model may be found, without looking it up."""
        given = dict(zip(self._words[::2], self._words[1::2], strict=False))
        if "--model" in given:
            folder = self._layout.root / given["--model"]
            return tuple(seen(file) for name in FILES for file in sorted(folder.rglob(name)))
        uri = given.get("--tracking-uri", "")
        if uri.startswith(SQLITE):
            file = self._layout.root / uri.removeprefix(SQLITE)
            return _aliased(file, given["--name"], given["--alias"])
        return (time.monotonic() // REMOTE_SECONDS,)


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

    def __call__(self) -> ServedModel | None:
        """Return the challenger, as `Lookup` does."""
        lookup = self._lookup()
        return lookup() if lookup else None

    def signature(self) -> Signature:
        """Return what changes with the request, and with the model that it names."""
        lookup = self._lookup()
        return seen(self._file), lookup.signature() if lookup else ()

    def _lookup(self) -> Lookup | None:
        words = asked(self._file)
        return Lookup(self._layout, words, self._state) if words else None


def ask(file: Path, words: Sequence[str]) -> None:
    """Ask a service for a challenger; no words: for none."""
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_suffix(".partial")
    partial.write_text(json.dumps(list(words)), encoding="utf-8")
    partial.replace(file)


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


def _aliased(file: Path, name: str, alias: str) -> Signature:
    """Return what MLflow's own file says of an alias, without MLflow, which takes seconds to import."""
    try:
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True, timeout=1)) as store:
            words = "SELECT * FROM registered_model_aliases WHERE name = ? AND alias = ?"
            return tuple(store.execute(words, (name, alias)))
    except sqlite3.Error:  # locked for long, or with other tables: then whatever was written counts
        return (seen(file),)


def seen(file: Path) -> tuple[int, int] | None:
    """Return what changes with a file, None where it is not there."""
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size
