"""Points spread over an existing Ray cluster: code goes with the job, outputs come home."""

import json
import logging
import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

from operation.engine.foundation.errors import WorkbenchError
from operation.engine.foundation.git import commit
from operation.engine.foundation.layout import Layout
from operation.engine.identity.packages import whole_lock
from operation.engine.notebooks.engines import OnCell
from operation.engine.notebooks.work import Outcome, Work, lost, unheard
from operation.engine.sweeps import node
from operation.engine.sweeps.node import PointResult, PointTask
from operation.engine.sweeps.parcel import at_home, copy_project, pack_entry, pack_folder, take_entry, unpack
from operation.engine.sweeps.plan import Sweep
from operation.engine.sweeps.point import upstream_records

_RETRIES = 5  # times that a point is executed again when its node is lost


class ClusterError(WorkbenchError):
    """No cluster, or not one that can execute points."""


class Cluster:
    """Executes points as tasks of Ray, one core each.

    The nodes need Python and the packages of the lock file, which is checked, and nothing else: no shared
    file system. Ray brings the code (its ``working_dir``) and what was executed before the points; executed
    notebooks and new outputs come back and go into the store here. A task whose node is lost is executed on
    another. `address` is ``auto``, ``host:port`` or ``ray://host:port``, by default RAY_ADDRESS or the
    cluster that this machine belongs to; `workers` is by default the number of the cluster's cores.
    """

    def __init__(self, layout: Layout, sweep: Sweep, address: str | None, workers: int | None) -> None:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        import ray

        self._ray = ray
        self._layout = layout
        self._sweep = sweep
        self._entries: dict[str, Any] = {}
        self._versions = node.versions_here(list(whole_lock(layout.lock).versions))
        self._code = Path(tempfile.mkdtemp(prefix="workbench-sweep-"))
        try:
            copy_project(layout, _inputs(layout, sweep), self._code)
            _connect(ray, address or os.environ.get("RAY_ADDRESS") or "auto", self._code)
            self.workers = workers or max(1, int(_resources(ray).get("CPU", 1)))
        except BaseException:
            shutil.rmtree(self._code, ignore_errors=True)
            raise
        self._execute = ray.remote(num_cpus=1, max_retries=_RETRIES)(_task)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._ray.shutdown()
        shutil.rmtree(self._code, ignore_errors=True)

    def ready(self, folder: Path) -> None:
        """Hand what was executed before the points to the cluster, once."""
        keys = {str(record["key"]) for record in upstream_records(folder)}
        self._entries = {key: self._ray.put(pack_entry(self._layout, key)) for key in sorted(keys)}

    def ahead(self, work: Work) -> None:
        """Wait: the cluster gets ready when it is its turn."""

    def perform(self, work: Work, on_cell: OnCell = unheard) -> Outcome:  # noqa: ARG002 - cells are far away
        """Execute one point and wait for it."""
        errors = self._ray.exceptions
        try:
            result: PointResult = self._ray.get(self._execute.remote(self._point_task(work), self._entries))
        except errors.RayTaskError as error:
            raise _node_error(error) from error
        except (errors.WorkerCrashedError, errors.NodeDiedError, errors.OutOfMemoryError) as error:
            first = next(iter(str(error).strip().splitlines()), "")
            return lost(work, type(error).__name__, f"its node was lost {_RETRIES + 1} times: {first}")
        return self._take(work, result)

    def stop(self) -> None:
        """Leave the cluster: Ray ends what a driver that has gone was waiting for."""
        self._ray.shutdown()

    def _point_task(self, work: Work) -> PointTask:
        configured = self._sweep.prepared.configured
        return PointTask(
            folder=work.folder.relative_to(self._layout.runs).as_posix(),
            notebook=work.name,
            parameters=dict(work.parameters),
            files=pack_folder(work.folder),
            scripts={name: step.script.name for name, step in configured.steps.items()},
            variables={name: os.environ[name] for name in configured.variables if name in os.environ},
            versions=self._versions,
            limits=work.limits,
        )

    def _take(self, work: Work, result: PointResult) -> Outcome:
        """Take what came back into this machine's folders."""
        moved = {result.runs: str(self._layout.runs), result.root: str(self._layout.root)}
        head = commit(self._layout.root)
        for key, content in result.entries.items():
            take_entry(self._layout, key, content, moved=moved, **head)
        unpack(result.files, work.folder, moved)
        error = result.outcome.error
        return replace(result.outcome, error=json.loads(at_home(json.dumps(error), moved)))


def _task(task: PointTask, entries: dict[str, Any]) -> PointResult:
    """Execute a point on a node; what it needs of other machines is fetched when it is not there."""
    import ray

    fetch: Callable[[Any], bytes] = ray.get
    return node.execute_on_node(task, entries, fetch)


def _connect(ray: Any, address: str, code: Path) -> None:
    try:
        ray.init(
            address=address,
            runtime_env={"working_dir": str(code)},
            log_to_driver=False,
            logging_level=logging.ERROR,
        )
    except (ConnectionError, RuntimeError, ValueError, TimeoutError) as error:
        first = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise ClusterError(
            f"--address {address}: no Ray cluster that can be used answers there: {first} "
            "Start one with `ray start --head`, or name the running one: auto, host:port or ray://host:port."
        ) from error


def _resources(ray: Any) -> dict[str, float]:
    return dict(ray.cluster_resources())


def _inputs(layout: Layout, sweep: Sweep) -> list[Path]:
    """Return the files that steps read and no step writes: keys are made of them."""
    steps = sweep.prepared.configured.steps
    values = [value for step in steps.values() for value in step.inputs.values()]
    return [layout.root / value for value in values if value.partition(".")[0] not in steps]


def _node_error(error: Any) -> WorkbenchError:
    cause = getattr(error, "cause", None)
    if isinstance(cause, WorkbenchError):
        return cause
    return ClusterError(f"a point could not be executed on its node: {str(error).strip().splitlines()[-1]}")
