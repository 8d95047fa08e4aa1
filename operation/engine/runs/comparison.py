"""Red against green: what differs between a failed run and the last good run of the same notebook."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from operation.engine.foundation import manifest
from operation.engine.foundation.files import read_parquet
from operation.engine.foundation.layout import Layout
from operation.engine.identity.difference import Difference, differences
from operation.engine.steps import history

if TYPE_CHECKING:
    import pandas as pd

_MOST = 5  # differences of columns that are told; the rest is more of the same


def since_last_good(layout: Layout, content: Mapping[str, Any]) -> dict[str, Any] | None:
    """Compare a failed run's manifest with that of the last run in which the failing notebook succeeded.

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


def profile_differences(before: Path, after: Path) -> list[str]:
    """Compare two tables, each a Parquet or CSV file or a folder of Parquet files.

    Returns at most one sentence for the rows, one for the columns, and five for single columns; none when one
    of them is no table.
    """
    old, new = _read(before), _read(after)
    if old is None or new is None:
        return []
    columns = [words for name in old.columns if name in new for words in _column(name, old[name], new[name])]
    return [*_shape(old, new), *columns[:_MOST]]


def _read(path: Path) -> pd.DataFrame | None:
    import pandas as pd

    readers = {".csv": pd.read_csv, ".parquet": read_parquet}
    files = sorted(path.glob("*.parquet")) if path.is_dir() else [path] if path.suffix in readers else []
    try:
        return pd.concat([readers[file.suffix](file) for file in files]) if files else None
    except (OSError, ValueError):  # it cannot be read: that may be the very failure
        return None


def _shape(old: pd.DataFrame, new: pd.DataFrame) -> Iterator[str]:
    if len(old) != len(new):
        yield f"rows {len(old):,} -> {len(new):,}"
    gone, added = [one for one in old if one not in new], [one for one in new if one not in old]
    if gone:
        yield f"without column {', '.join(map(str, gone))}"
    if added:
        yield f"with new column {', '.join(map(str, added))}"


def _column(name: str, old: pd.Series[object], new: pd.Series[object]) -> Iterator[str]:
    import pandas as pd

    if old.dtype != new.dtype:
        yield f"{name}: type {old.dtype} -> {new.dtype}"
        return
    gaps = old.isna().mean(), new.isna().mean()
    if abs(gaps[0] - gaps[1]) > 0.01:
        yield f"{name}: missing {gaps[0]:.1%} -> {gaps[1]:.1%}"
    if pd.api.types.is_numeric_dtype(old) and not pd.api.types.is_bool_dtype(old):
        ends = [(one.min(), one.max()) for one in (old, new)]
        if ends[1][0] < ends[0][0] or ends[1][1] > ends[0][1]:
            yield f"{name}: range {ends[0][0]:g} to {ends[0][1]:g} -> {ends[1][0]:g} to {ends[1][1]:g}"
    elif pd.api.types.is_object_dtype(old) and old.nunique() <= 100:
        fresh = sorted(map(str, set(new.dropna()) - set(old.dropna())))
        if fresh:
            yield f"{name}: new level {', '.join(fresh[:3])}"
