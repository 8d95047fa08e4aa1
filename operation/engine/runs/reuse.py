"""Notebooks that need no execution: nothing they depend on changed, and all they gave is still there.

A notebook is judged as its steps are: by a key of what can be known before it is executed, and by what
was recorded while it was: the keys of its steps and the files that it opened.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from operation.engine.foundation import manifest
from operation.engine.foundation.layout import Layout
from operation.engine.identity.keys import python_version
from operation.engine.identity.opened import read_notebook_record
from operation.engine.identity.state import ProjectState
from operation.engine.runs.notebook_code import notebook_components
from operation.engine.runs.repeat import Requested, recall, remember, requested
from operation.engine.steps.step import is_current

if TYPE_CHECKING:
    from operation.engine.runs.request import Prepared, Request

_REMEMBERED = 8  # executions of one key, which differ in what was recorded


@dataclass(frozen=True)
class Recalled:
    """A notebook that an earlier run executed."""

    run: str  # that run
    entry: dict[str, Any]  # the notebook's entry in its manifest
    steps: list[dict[str, Any]]  # the records of the steps that it called


class Notebooks:
    """What was executed before, by the key of a notebook.

    Parameters
    ----------
    layout : Layout
        The project's folders.
    asked : Prepared or Requested
        The request whose notebooks are looked up.
    """

    def __init__(self, layout: Layout, asked: Prepared | Requested) -> None:
        self.layout = layout
        self.requested = asked if isinstance(asked, Requested) else requested(layout, asked)
        self._state = ProjectState(layout)
        self._current = dict[str, bool]()

    def key(self, name: str) -> str:
        """Return the digest of all that the notebook `name` depends on and that is known before it runs."""
        parameters = self.requested.notebooks[name]
        notebook = self.layout.notebooks / f"{name}.ipynb"
        code, packages = notebook_components(self._state, notebook, self.requested.scripts)
        parts = [
            name,
            parameters,
            self._files_named(parameters),
            self.requested.overrides,
            self.requested.configuration,
            code,
            packages.digest,
            python_version(),
        ]
        return hashlib.sha256(json.dumps(parts, default=str, sort_keys=True).encode()).hexdigest()

    def _files_named(self, parameters: Mapping[str, object]) -> list[str]:
        """Return the digests of the files that parameters name, from the root or from the notebook."""
        folders = (self.layout.root, self.layout.notebooks)
        values = [value for value in parameters.values() if isinstance(value, str) and value]
        paths = [path for value in values for folder in folders if _is_file(path := folder / value)]
        return self._state.digests.each(paths)

    def find(self, name: str, key: str = "") -> Recalled | None:
        """Return the earlier execution of `name` that would give the same now, if all it gave is there.

        `key` is that of the notebook, where it is known already.
        """
        for execution in self._executions(key or self.key(name)):
            recalled = Recalled(execution["run"], execution["entry"], execution["steps"])
            if self._is_current(recalled, execution.get("digest")) and self._state.holds(execution["opened"]):
                return recalled
        return None

    def _is_current(self, recalled: Recalled, digest: str | None) -> bool:
        """Tell whether the executed notebook is what was written, its page there, and its steps current."""
        folder = self.layout.runs / recalled.run
        notebook, report = (folder / recalled.entry[part] for part in ("notebook", "report"))
        if not (notebook.is_file() and report.is_file() and self._state.content(notebook).digest == digest):
            return False
        return all(self._step_is_current(step) for step in recalled.steps)

    def _step_is_current(self, step: Mapping[str, Any]) -> bool:
        """Judge a step once, however many notebooks called it."""
        known = json.dumps([step["key"], step["inputs"]])
        if known not in self._current:
            self._current[known] = is_current(self._state, step)
        return self._current[known]

    def keep(self, key: str, run: str, entry: dict[str, Any], steps: Sequence[dict[str, Any]]) -> None:
        """Remember a notebook that succeeded under `key`, unless something was edited while it ran."""
        opened = read_notebook_record(self.layout.runs / run, entry["name"])
        now = Notebooks(self.layout, self.requested)
        if now.key(entry["name"]) == key and now._state.holds(opened):
            digest = self._state.content(self.layout.runs / run / entry["notebook"]).digest
            what = {"run": run, "entry": entry, "steps": list(steps)}
            execution = {**what, "opened": opened, "digest": digest}
            before = [one for one in self._executions(key) if one["run"] != run]
            manifest.write(self._path(key), {"executions": [execution, *before][:_REMEMBERED]})

    def _executions(self, key: str) -> list[dict[str, Any]]:
        """Return what was remembered under `key`, newest first."""
        return list((manifest.read(self._path(key)) or {}).get("executions", ()))

    def _path(self, key: str) -> Path:
        return self.layout.runs / "notebooks" / f"{key}.json"


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a text that is no name
        return False


def answered(layout: Layout, request: Request) -> Path | None:
    """Return what `unchanged` does, for a request made before: its configuration is not read again."""
    known = None if request.fresh else recall(layout, request)
    return _unchanged(layout, known) if known else None


def unchanged(layout: Layout, prepared: Prepared) -> Path | None:
    """Return the folder of the one run that did all that is asked for, if nothing changed since."""
    if prepared.request.fresh:
        return None
    known = requested(layout, prepared)
    folder = _unchanged(layout, known)
    if folder:
        remember(layout, prepared.request, known)
    return folder


def _unchanged(layout: Layout, known: Requested) -> Path | None:
    notebooks, runs = Notebooks(layout, known), set[str]()
    for name in known.notebooks:
        found = notebooks.find(name)
        if found is None or runs - {found.run}:
            return None
        runs.add(found.run)
    return layout.runs / runs.pop() if runs else None
