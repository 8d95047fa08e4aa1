"""The manifest of a sweep, written through after every point: a kill loses nothing."""

from collections.abc import Mapping
from typing import Any

from operation.engine.foundation import manifest
from operation.engine.foundation.errors import UsageError
from operation.engine.foundation.layout import Layout
from operation.engine.runs.reuse import Recalled
from operation.engine.runs.run_manifest import OpenManifest
from operation.engine.sweeps.plan import Point, Sweep
from operation.engine.sweeps.results import metrics_of, ranking, unknown_metric

_OPEN = ("pending", "running")


class SweepManifest(OpenManifest):
    """``runs/sweeps/<name>/manifest.json``."""

    def __init__(self, layout: Layout, sweep: Sweep, workers: int) -> None:
        self.folder = sweep.folder(layout).absolute()
        super().__init__(self.folder / "manifest.json", "sweep", layout, sweep.prepared.configured)
        self.layout = layout
        self.sweep = sweep
        self._steps: dict[int, list[dict[str, Any]]] = {}
        before = manifest.read(self.path) or {}
        self.failed_before = {
            entry["number"]: entry
            for entry in before.get("points", [])
            if entry["status"] in ("failed", "rejected")
        }
        self.content.update(
            **_requested(sweep),
            workers=workers,
            points=[_pending(point) for point in sweep.points],
            metric=None,
            lower_is_better=None,
            best=None,
        )

    @property
    def wrong_metric(self) -> UsageError | None:
        """The error to raise when no point has the requested metric."""
        requested = self.sweep.request.metric
        return unknown_metric(self.content["points"], requested) if requested else None

    def entry(self, number: int) -> dict[str, Any]:
        """Return the entry of a point."""
        entry: dict[str, Any] = self.content["points"][number - 1]
        return entry

    def recall(self, number: int, recalled: Recalled) -> None:
        """Take in a point that an earlier run executed; its files stay where they are."""
        self._steps[number] = recalled.steps
        self.entry(number).update(
            status="succeeded",
            how="reused",
            run=recalled.run,
            notebook=f"{recalled.run}/{recalled.entry['notebook']}",
            report=f"{recalled.run}/{recalled.entry['report']}",
            seconds=recalled.entry["seconds"],
        )

    def keep_failure(self, number: int) -> None:
        """Take in a point that failed when this sweep was asked for before."""
        self.entry(number).update(self.failed_before[number], how="reused")

    def add(self, point: Point, run: Mapping[str, Any]) -> None:
        """Take in the manifest of a point that has just been executed."""
        book = run["notebooks"][0]
        run_name = (self.folder / point.name).relative_to(self.layout.runs.absolute()).as_posix()
        self._steps[point.number] = list(run["steps"])
        self.entry(point.number).update(
            status=run["status"],
            how="executed",
            run=run_name,
            notebook=f"{run_name}/{book['notebook']}",
            report=f"{run_name}/{book['report']}",
            seconds=book["seconds"],
            error=run["error"],
        )
        self.write()

    def write(self) -> None:
        """Write the manifest as it stands, points ranked."""
        done = {n: steps for n, steps in self._steps.items() if self.entry(n)["status"] == "succeeded"}
        for number, metrics in metrics_of(done).items():
            self.entry(number)["metrics"] = metrics
            self.entry(number)["keys"] = sorted({step["key"] for step in done[number]})
        self.content.update(ranking(self.content["points"], self.sweep.request.metric))
        super().write()

    def end(self, status: str | None = None) -> None:
        """Close the manifest, once; it has failed when a point has."""
        if self.content["ended"]:
            return
        states = {entry["status"] for entry in self.content["points"]}
        ended = "failed" if states & {"failed", "rejected"} else "succeeded"
        self.close(status or ("interrupted" if states & set(_OPEN) else ended))


def _requested(sweep: Sweep) -> dict[str, Any]:
    request = sweep.request
    return {
        "identity": sweep.identity,
        "notebook": sweep.notebook,
        "command": request.command,
        "engine": request.engine,
        "grid": list(request.grid),
        "given": list(request.given),
        "random": request.random,
        "seed": request.seed if request.random is not None else None,
        "varied": [axis.name for axis in sweep.axes],
    }


def _pending(point: Point) -> dict[str, Any]:
    return {
        "number": point.number,
        "values": dict(point.values),
        "status": "pending",
        "how": None,
        "command": point.prepared.request.command,
        "run": None,
        "notebook": None,
        "report": None,
        "seconds": None,
        "metrics": {},
        "keys": [],
        "error": None,
    }
