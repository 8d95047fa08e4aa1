"""Notebooks that need no execution: nothing they depend on changed, and all they gave is still there."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from operation.engine.configuration import Configuration
from operation.engine.foundation import manifest
from operation.engine.foundation.layout import Layout
from operation.engine.identity.digests import Digests
from operation.engine.identity.keys import lock_digest, python_version
from operation.engine.identity.store import Store
from operation.engine.runs.repeat import Answers
from operation.engine.runs.request import Prepared


@dataclass(frozen=True)
class Recalled:
    """A notebook that an earlier run executed.

    Parameters
    ----------
    run : str
        That run.
    entry : dict
        The notebook's entry in its manifest.
    steps : list of dict
        The records of the steps that it called.
    """

    run: str
    entry: dict[str, Any]
    steps: list[dict[str, Any]]


class Notebooks:
    """What was executed before, by the key of a notebook.

    Parameters
    ----------
    layout : Layout
        The project's folders.
    prepared : Prepared
        The request whose notebooks are looked up.
    """

    def __init__(self, layout: Layout, prepared: Prepared) -> None:
        self.layout = layout
        self.prepared = prepared
        self._digests = Digests(layout.runs / "digests.db")
        self._surroundings = _surroundings(layout, prepared, self._digests)

    def key(self, name: str) -> str:
        """Return the digest of all that the outputs of the notebook `name` depend on."""
        cells = json.loads(self.prepared.sources[name].read_text(encoding="utf-8"))["cells"]
        parts = [[cell["cell_type"], "".join(cell["source"])] for cell in cells]
        text = json.dumps([name, parts, self.prepared.parameters(name), self._surroundings], default=str)
        return hashlib.sha256(text.encode()).hexdigest()

    def find(self, name: str) -> Recalled | None:
        """Return the earlier execution of `name` if its report and every output of its steps are intact."""
        kept = manifest.read(self._path(self.key(name)))
        if kept is None:
            return None
        recalled = Recalled(kept["run"], kept["entry"], kept["steps"])
        folder = self.layout.runs / recalled.run
        there = all((folder / recalled.entry[part]).is_file() for part in ("notebook", "report"))
        store = Store(self.layout.store, self._digests)
        return recalled if there and all(store.find(step["key"]) for step in recalled.steps) else None

    def keep(self, key: str, run: str, entry: dict[str, Any], steps: Sequence[dict[str, Any]]) -> None:
        """Remember a notebook that succeeded under `key`, unless something was edited while it ran."""
        if Notebooks(self.layout, self.prepared).key(entry["name"]) == key:
            manifest.write(self._path(key), {"run": run, "entry": entry, "steps": list(steps)})

    def _path(self, key: str) -> Path:
        return self.layout.runs / "notebooks" / f"{key}.json"


def unchanged(layout: Layout, prepared: Prepared) -> Path | None:
    """Return the folder of the one run that did all that is asked for, if nothing changed since."""
    if prepared.request.fresh or not prepared.notebooks:
        return None
    notebooks = Notebooks(layout, prepared)
    found = [notebooks.find(one.name) for one in prepared.notebooks]
    recalled = [one for one in found if one]
    runs = {one.run for one in recalled}
    if len(recalled) < len(found) or len(runs) > 1:
        return None
    run = runs.pop()
    _remember(layout, prepared, run, recalled)
    return layout.runs / run


def _remember(layout: Layout, prepared: Prepared, run: str, recalled: Sequence[Recalled]) -> None:
    """Let the same request be answered at once next time."""
    answer = {
        "run": run,
        "files": [one.entry[part] for one in recalled for part in ("notebook", "report")],
        "keys": sorted({step["key"] for one in recalled for step in one.steps}),
    }
    inputs = [layout.root / value for value in _external_values(prepared.configured)]
    Answers(layout).keep(prepared.request, answer, inputs)


def _surroundings(layout: Layout, prepared: Prepared, digests: Digests) -> list[Any]:
    """What every notebook of a run depends on beside its own cells and parameters."""
    code = [
        *layout.src.rglob("*.py"),
        *layout.notebooks.glob("*.py"),
        *Path(__file__).parents[1].rglob("*.py"),
    ]
    return [
        digests.each(sorted(code)),
        [digests.of(path).digest for path in _external_inputs(layout, prepared.configured)],
        prepared.configured.digest,
        prepared.assignments.overrides,
        lock_digest(layout.lock),
        python_version(),
    ]


def _external_inputs(layout: Layout, configured: Configuration) -> list[Path]:
    """Return the files that steps read and no step writes; one that is missing is the step's to tell."""
    return [path for value in _external_values(configured) if (path := layout.root / value).exists()]


def _external_values(configured: Configuration) -> list[str]:
    values = [value for step in configured.steps.values() for value in step.inputs.values()]
    return [value for value in values if value.partition(".")[0] not in configured.steps]
