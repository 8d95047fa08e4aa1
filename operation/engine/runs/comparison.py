"""Red against green: what differs between a failed run and the last good run of the same notebook."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from operation.engine import history, manifest
from operation.engine.difference import Difference, differences
from operation.engine.layout import Layout
from operation.engine.runs.profile import profile_differences


def since_last_good(layout: Layout, content: Mapping[str, Any]) -> dict[str, Any] | None:
    """Compare a failed run with the last one in which the failing notebook succeeded.

    Parameters
    ----------
    content : mapping
        The failed run's manifest; its ``error`` names the notebook.

    Returns
    -------
    dict or None
        ``run``, the good run's name, and ``differences``, a list of sentences in the order in which
        to look at them; None when there is no good run of this use case and environment.
    """
    name = content["error"]["notebook"]
    good = _last_good(layout, content, name)
    if good is None:
        return None
    found = [
        *_commit(good, content),
        *_cells(layout, good, content, name),
        *_steps(layout, good, content, name),
    ]
    return {"run": good["id"], "differences": list(dict.fromkeys(found))}


def _last_good(layout: Layout, content: Mapping[str, Any], notebook: str) -> dict[str, Any] | None:
    for path in sorted(layout.runs.glob("2*/manifest.json"), reverse=True):
        other = manifest.read(path)
        if other and path.parent.name < content["id"] and _is_good(other, content, notebook):
            return other
    return None


def _is_good(other: Mapping[str, Any], content: Mapping[str, Any], notebook: str) -> bool:
    same = all(other.get(part) == content[part] for part in ("use_case", "environment"))
    states = {one["name"]: one["status"] for one in other.get("notebooks", [])}
    return same and states.get(notebook) == "succeeded"


def _commit(good: Mapping[str, Any], content: Mapping[str, Any]) -> Iterator[str]:
    if good.get("commit") != content["commit"]:
        yield f"commit {str(good.get('commit'))[:10]} -> {str(content['commit'])[:10]}"


def _cells(layout: Layout, good: Mapping[str, Any], content: Mapping[str, Any], name: str) -> Iterator[str]:
    """Yield the code cells of the notebook that are not those of the good run."""
    old, new = (_sources(layout, run, name) for run in (good, content))
    for source in new:
        if source not in old:
            yield f"notebooks/{name}.ipynb: this cell is new or changed: {source.strip().splitlines()[0]}"


def _sources(layout: Layout, run: Mapping[str, Any], name: str) -> list[str]:
    entry = next(one for one in run["notebooks"] if one["name"] == name)
    document = manifest.read(layout.runs / str(run["id"]) / entry["notebook"]) or {"cells": []}
    return ["".join(cell["source"]) for cell in document["cells"] if cell["cell_type"] == "code"]


def _steps(layout: Layout, good: Mapping[str, Any], content: Mapping[str, Any], name: str) -> Iterator[str]:
    """Yield what differs in the steps that the notebook called, the first of them first."""
    before = {one["step"]: one for one in reversed(good["steps"])}
    records = [one for one in content["steps"] if one["notebook"] == name or one["how"] == "failed"]
    for step in records:
        if step["step"] in before and "components" in before[step["step"]]:
            yield from _step(layout, before[step["step"]], step)


def _step(layout: Layout, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    old, new = (history.with_packages(layout, one["components"]) for one in (before, after))
    for one in differences(old, new):
        yield f"{after['step']}: {one}"
        if one.kind == "input":
            yield from _profiles(one, before, after)


def _profiles(one: Difference, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    """Yield how the rows, gaps and ranges of an input differ, where both are still there."""
    paths = [_path(record["argv"], one.name) for record in (before, after)]
    if all(path.exists() for path in paths):
        yield from (f"{after['step']}: input {one.name}: {words}" for words in profile_differences(*paths))


def _path(argv: list[str], name: str) -> Path:
    prefix = f"--{name}="
    return Path(next((word.removeprefix(prefix) for word in argv if word.startswith(prefix)), ""))
