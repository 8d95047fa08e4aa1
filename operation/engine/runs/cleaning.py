"""What may be removed from ``runs/``: by age and size, and never what a kept run refers to."""

import secrets
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from os import getpid
from pathlib import Path
from typing import Any

from operation.engine.foundation import manifest
from operation.engine.foundation.files import disk_errors
from operation.engine.foundation.layout import Layout
from operation.engine.foundation.run_folder import RunFolder
from operation.engine.identity.store import PARTIAL, abandoned

_DAY = 86_400.0
_KINDS = ("run", "sweep")


@dataclass(frozen=True)
class Removable:
    """One folder or file that nothing needs."""

    kind: str  # what it is
    path: Path  # where it is
    bytes: int  # size of all files in it


@dataclass(frozen=True)
class Cleaning:
    """What would be removed, and what stays."""

    # in the order in which they are removed: runs first, then what only they referred to
    removable: list[Removable]
    runs: int  # number of runs and sweeps that are kept


def plan_cleaning(layout: Layout, days: float, limit: float | None = None) -> Cleaning:
    """Find what is older than `days`, or beyond a store of `limit` bytes, and needed by nothing that is kept.

    A run is kept when it began less than `days` ago, when it is the newest, when it is the newest that
    succeeded of its use case and environment, or when a kept run took a notebook from it. A sweep is kept in
    the same way, all its points with it; of those that succeeded the newest of its notebook. An entry of the
    store is kept when a kept run refers to it, or when it is younger than `days` and within `limit`.
    """
    before = time.time() - days * _DAY
    manifests = [*layout.runs.glob("*/manifest.json"), *layout.runs.glob("sweeps/*/manifest.json")]
    runs = {path.parent: read for path in manifests if (read := _run(path))}
    keeping = _runs_to_keep(runs, before)
    runs_to_go = [_removable(runs[path]["kind"], path) for path in sorted(runs) if path not in keeping]
    others = [
        _removable(kind, path)
        for kind, name in (("certificate", "certificates"), ("replay", "replays"))
        for path in sorted((layout.runs / name).glob("*"))
        if path.stat().st_mtime < before
    ]
    left = [_removable("leftover", path) for path in abandoned(layout.store)]
    return Cleaning([*runs_to_go, *_entries(layout, keeping, before, limit), *others, *left], len(keeping))


def _run(path: Path) -> dict[str, Any] | None:
    content = manifest.read(path)
    is_run = not path.parent.is_symlink() and content is not None and content.get("kind") in _KINDS
    return content if is_run else None


def _runs_to_keep(runs: Mapping[Path, Mapping[str, Any]], before: float) -> set[Path]:
    newest = sorted(runs, key=lambda path: _started(runs[path]), reverse=True)
    keeping = {*newest[:1], *(path for path in newest if _started(runs[path]) >= before)}
    succeeded: dict[tuple[str, ...], Path] = {}
    for path in newest:
        if runs[path]["status"] == "succeeded":
            names = ("use_case", "environment", "kind", "notebook")
            succeeded.setdefault(tuple(str(runs[path].get(name)) for name in names), path)
    keeping |= set(succeeded.values())
    waiting = list(keeping)
    while waiting:
        for path in _reused_from(waiting.pop(), runs):
            if path not in keeping:
                keeping.add(path)
                waiting.append(path)
    return keeping


def _started(run: Mapping[str, Any]) -> float:
    return datetime.fromisoformat(run["started"]).timestamp()


def _reused_from(path: Path, runs: Mapping[Path, Mapping[str, Any]]) -> list[Path]:
    """Return the runs, and the sweeps of points, that `path` took something from."""
    entries = [*runs[path].get("notebooks", []), *runs[path].get("points", [])]
    names = {f"{entry.get('reused_from') or entry.get('run')}/" for entry in entries}
    return [other for other in runs if any(name.startswith(f"{_name(other)}/") for name in names)]


def _name(run: Path) -> str:
    """Return how other runs name a run: its folder below ``runs``."""
    return f"{run.parent.name}/{run.name}" if run.parent.name == "sweeps" else run.name


def _entries(
    layout: Layout, keeping: Iterable[Path], before: float, limit: float | None
) -> Iterator[Removable]:
    folders = [path for path in layout.store.glob("*") if path.name != PARTIAL]
    referred = {step["key"] for run in keeping for step in _steps(run)}
    sizes = {path: _size(path) for path in folders}
    free = sorted((path for path in folders if path.name not in referred), key=_written)
    total = sum(sizes.values())
    for path in free:
        if _written(path) < before or (limit is not None and total > limit):
            total -= sizes[path]
            yield Removable("store entry", path, sizes[path])


def _steps(run: Path) -> list[dict[str, Any]]:
    """Return the steps of a run or a sweep, of one that is still executing too."""
    content = manifest.read(run / "manifest.json") or {}
    keys = [{"key": key} for point in content.get("points", []) for key in point["keys"]]
    folders = [run, *run.glob("point-*"), run / "upstream"]
    records = [record for folder in folders for record in RunFolder(folder).records()]
    return [*content.get("steps", []), *keys, *records]


def _written(path: Path) -> float:
    return path.stat().st_mtime


def _removable(kind: str, path: Path) -> Removable:
    return Removable(kind, path, _size(path))


def _size(path: Path) -> int:
    files = [path] if path.is_file() else path.rglob("*")
    return sum(file.lstat().st_size for file in files if file.is_file() and not file.is_symlink())


def remove(layout: Layout, cleaning: Cleaning) -> None:
    """Remove it; each folder is moved aside first, so that no reader sees half of one."""
    aside = layout.store / PARTIAL / f"removed-{getpid()}-{secrets.token_hex(4)}"
    with disk_errors(layout.runs):
        for item in cleaning.removable:
            aside.mkdir(parents=True)
            item.path.rename(aside / item.path.name)
            shutil.rmtree(aside)
        for remembered in (*layout.runs.glob("notebooks/*.json"), *layout.runs.glob("answers/*.json")):
            if not (layout.runs / str((manifest.read(remembered) or {}).get("run"))).is_dir():
                remembered.unlink(missing_ok=True)


def human(size: float) -> str:
    """Return a number of bytes as a person reads it: ``1.5 MB``."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} bytes" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"
