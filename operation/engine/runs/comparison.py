"""Red against green: what differs between a failed run and the last good run of the same notebook."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from operation.engine.foundation import manifest
from operation.engine.foundation.layout import Layout
from operation.engine.identity.difference import Difference, differences
from operation.engine.runs.table_differences import table_differences
from operation.engine.steps import history

_EVERYWHERE = ("package", "python")  # kinds of changes that all steps share

Json = Mapping[str, Any]


@dataclass
class _Change:
    """One difference, the steps that it concerns, and what is known of it."""

    difference: Difference
    steps: list[str] = field(default_factory=list)
    details: list[str] = field(default_factory=list)


def since_last_good(layout: Layout, content: Json) -> dict[str, Any] | None:
    """Compare a failed run's manifest with that of the last run in which the failing notebook succeeded.

    A run with the same parameters goes before a later one with others.

    Returns
    -------
    dict or None
        ``run``, the good run's name, and ``differences``, a list of sentences: each change once, with the
        steps that it concerns, the nearest to what failed first; None when there is no good run of this
        use case and environment.
    """
    name = content["error"]["notebook"]
    good = _last_good(layout, content, name)
    if good is None:
        return None
    steps = [
        step for key in _entry(content, name)["step_keys"] for step in content["steps"] if step["key"] == key
    ]
    changes = [_cells(layout, good, content), _steps(layout, good, steps)]
    if any(step["how"] == "failed" for step in steps):
        changes.reverse()
    parts = [_parameters(good, content), *changes, _commit(good, content)]
    return {"run": good["id"], "differences": [sentence for part in parts for sentence in part]}


def _last_good(layout: Layout, content: Json, name: str) -> dict[str, Any] | None:
    """Return the last good run with the same parameters, else the last one with other parameters."""
    fallback = None
    for path in sorted(layout.runs.glob("2*/manifest.json"), reverse=True):
        run = manifest.read(path) if path.parent.name < content["id"] else None
        if run and _is_good(run, content, name):
            if _entry(run, name)["parameters"] == _entry(content, name)["parameters"]:
                return run
            fallback = fallback or run
    return fallback


def _is_good(run: Json, content: Json, name: str) -> bool:
    same = all(run.get(part) == content[part] for part in ("use_case", "environment"))
    states = {entry["name"]: entry["status"] for entry in run.get("notebooks", [])}
    return same and states.get(name) == "succeeded"


def _entry(run: Json, name: str) -> dict[str, Any]:
    return next(entry for entry in run["notebooks"] if entry["name"] == name)


def _parameters(good: Json, content: Json) -> Iterator[str]:
    old, new = (_entry(run, content["error"]["notebook"])["parameters"] for run in (good, content))
    for name in sorted({*old, *new}):
        if old.get(name) != new.get(name):
            values = f"{old.get(name)} -> {new.get(name)}"
            yield f"parameter {name}: {values} (there is no good run with the same parameters)"


def _commit(good: Json, content: Json) -> Iterator[str]:
    if good.get("commit") != content["commit"]:
        yield f"commit {str(good.get('commit'))[:10]} -> {str(content['commit'])[:10]}"


def _cells(layout: Layout, good: Json, content: Json) -> Iterator[str]:
    """Yield the code cells that are not those of the good run, from the failing one backwards."""
    name = content["error"]["notebook"]
    old, new = (_sources(layout, run, name) for run in (good, content))
    last = content["error"].get("cell")
    changed = [index for index, source in new.items() if old and source not in old.values()]
    for index in sorted(changed, key=lambda index: (last is not None and index > last, -index)):
        yield f"notebooks/{name}.ipynb: this cell is new or changed: {_first_line(new[index])}"
    for source in old.values() if new else ():
        if source not in new.values():
            yield f"notebooks/{name}.ipynb: this cell of the good run is gone: {_first_line(source)}"


def _first_line(source: str) -> str:
    return source.strip().partition("\n")[0]


def _sources(layout: Layout, run: Json, name: str) -> dict[int, str]:
    """Return index -> source of the code cells, but for the parameters, which are compared by themselves."""
    document = manifest.read(layout.runs / str(run["id"]) / _entry(run, name)["notebook"]) or {"cells": []}
    return {
        index: "".join(cell["source"])
        for index, cell in enumerate(document["cells"])
        if cell["cell_type"] == "code" and "injected-parameters" not in cell["metadata"].get("tags", [])
    }


def _steps(layout: Layout, good: Json, steps: Iterable[Json]) -> Iterator[str]:
    """Yield what differs in the steps, the last of them first, and then what differs in all of them."""
    concerned: dict[str, _Change] = {}
    for step in reversed(list(steps)):
        before = _closest(layout, good, step)
        if before is None:
            yield f"{step['step']}: the good run did not call this step"
            continue
        for difference in _differences(layout, before, step):
            change = concerned.setdefault(str(difference), _Change(difference))
            change.steps.append(step["step"])
            if difference.kind == "input" and len(change.steps) == 1:
                change.details.extend(_profiles(difference, before, step))
    yield from _sentences(concerned.values())


def _closest(layout: Layout, good: Json, step: Json) -> Json | None:
    """Return the good run's record of the step; of several, that of the fewest differences."""
    records = [
        record for record in good["steps"] if record["step"] == step["step"] and "components" in record
    ]
    return min(records, key=lambda record: len(_differences(layout, record, step)), default=None)


def _differences(layout: Layout, before: Json, after: Json) -> list[Difference]:
    return differences(*(history.with_packages(layout, record["components"]) for record in (before, after)))


def _sentences(changes: Iterable[_Change]) -> Iterator[str]:
    """Yield a sentence for each change; those in one file, and those of packages, share one."""
    sentences: dict[tuple[str, str], list[str]] = {}
    for change in sorted(changes, key=lambda change: change.difference.kind in _EVERYWHERE):
        steps, words = ", ".join(dict.fromkeys(change.steps)), str(change.difference)
        shared = {"function": f"{words.partition(': ')[0]}: ", "package": "package "}
        subject = shared.get(change.difference.kind, words)
        sentences.setdefault((steps, subject), []).append(words.removeprefix(subject))
        for detail in change.details:
            sentences[(steps, f"input {change.difference.name}: {detail}")] = [""]
    for (steps, subject), rest in sentences.items():
        yield f"{steps}: {subject}{', '.join(rest)}"


def _profiles(change: Difference, before: Json, after: Json) -> list[str]:
    """Say how the rows, missing values and ranges of an input differ, where both are still there."""
    paths = [_path(record["argv"], change.name) for record in (before, after)]
    return table_differences(*paths) if all(path.exists() for path in paths) else []


def _path(argv: list[str], name: str) -> Path:
    prefix = f"--{name}="
    return Path(next((word.removeprefix(prefix) for word in argv if word.startswith(prefix)), ""))
