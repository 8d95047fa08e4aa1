"""One point on a node of a cluster: the project is there, the outputs go home with the result."""

import os
import platform
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import metadata
from typing import Any

from operation.engine.foundation.children import environ, thread_limits
from operation.engine.foundation.errors import WorkbenchError
from operation.engine.foundation.layout import Layout, project
from operation.engine.foundation.run_folder import RunFolder
from operation.engine.notebooks.fork_server.libraries import libraries
from operation.engine.notebooks.fork_server.source import for_all
from operation.engine.notebooks.limits import Limits
from operation.engine.notebooks.work import Outcome, Work, perform
from operation.engine.sweeps.parcel import pack, pack_entry, take_entry, unpack

_warm: Any = None  # the process that this worker forks notebooks from


class NodeUnfit(WorkbenchError):
    """A node has not the packages that keys stand for."""


@dataclass(frozen=True)
class PointTask:
    """What a node is told of a point."""

    folder: str  # the point's folder below ``runs``
    notebook: str
    parameters: dict[str, object]
    files: bytes  # of the point's folder, as an archive
    scripts: dict[str, str]  # step -> file name of its Core Script
    variables: dict[str, str]  # variables that win over those of the configuration's files
    versions: dict[str, str]  # package -> version, where the sweep was started; and ``Python``
    limits: Limits


@dataclass(frozen=True)
class PointResult:
    """What comes of it: files of the point's folder, new entries of the store, and where they were."""

    outcome: Outcome
    files: bytes
    entries: dict[str, bytes]
    root: str
    runs: str


def execute_on_node(
    task: PointTask, entries: Mapping[str, Any], fetch: Callable[[Any], bytes]
) -> PointResult:
    """Execute one point here.

    `entries` are references of what was executed before the points, by key; `fetch` gives the bytes of one.
    Raises NodeUnfit when Python or a package is not what it is where the sweep was started.
    """
    _check_versions(task.versions)
    layout = project()
    folder = layout.runs / task.folder
    shutil.rmtree(folder, ignore_errors=True)  # an attempt that another worker did not finish
    unpack(task.files, folder)
    for key, reference in entries.items():
        if not (layout.store / key).is_dir():
            take_entry(layout, key, fetch(reference))
    one_core = dict.fromkeys(thread_limits(1), "1")  # that is what the cluster gives a point
    with environ({**for_all(), **one_core, **task.variables, "WORKBENCH_RUNS": str(layout.runs)}):
        outcome = _perform(layout, task)
    records = RunFolder(folder).records()
    new = {record["key"] for record in records if record["how"] == "executed"} - set(entries)
    files = [*folder.glob("notebooks/*"), *folder.glob("steps/*.json")]
    stored = {key: pack_entry(layout, key) for key in new}
    return PointResult(outcome, pack(folder, files), stored, str(layout.root), str(layout.runs))


def _perform(layout: Layout, task: PointTask) -> Outcome:
    source = layout.notebooks / f"{task.notebook}.ipynb"
    folder = (layout.runs / task.folder).resolve()
    work = Work(source, folder, task.parameters, dict(os.environ), "workbench", task.limits)
    return perform(work, _fork_server(layout, task))


def _fork_server(layout: Layout, task: PointTask) -> Any:
    """Return the process to fork from; it ends with this worker."""
    global _warm  # noqa: PLW0603 - a worker executes one point after the other
    if _warm is None and sys.platform == "linux":
        from operation.engine.notebooks.fork_server.client import ForkServer

        _warm = ForkServer(os.environ)
        scripts = {step: layout.src / file for step, file in task.scripts.items()}
        _warm.preload(libraries([layout.notebooks / f"{task.notebook}.ipynb"], scripts))
        _warm.wait()
    return _warm


def versions_here(names: list[str]) -> dict[str, str]:
    """Return the versions of Python and of the packages `names` that are installed."""
    versions = {"Python": platform.python_version()}
    for name in names:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:  # of another platform
            continue
    return versions


def _check_versions(expected: Mapping[str, str]) -> None:
    here = versions_here([name for name in expected if name != "Python"])
    wrong = [
        f"{name} {here.get(name, 'missing')} instead of {version}"
        for name, version in expected.items()
        if here.get(name) != version
    ]
    if wrong:
        more = f" and {len(wrong) - 5} more" if len(wrong) > 5 else ""
        raise NodeUnfit(
            f"The node {platform.node()} has {', '.join(wrong[:5])}{more}, so its results would not be those "
            "of their keys. Install requirements.lock on the nodes."
        )
