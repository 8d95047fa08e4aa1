"""The record of a measurement: ``figures.json``, a page and a plot of each comparison."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from operation.engine.benchmarks.contender import Comparison, Measured
from operation.engine.benchmarks.machine import load, machine, versions
from operation.engine.benchmarks.peers import LOCK, TOOLS
from operation.engine.benchmarks.summary import doubts, summary
from operation.engine.layout import Layout
from operation.setup import lockfile

SCHEMA = 1
_OURS = ("papermill", "nbconvert", "ipykernel", "numpy", "pandas", "scikit-learn", "matplotlib", "mlflow")


def begin(command: str, *, peers: bool) -> dict[str, Any]:
    """Return the record of a measurement that begins: command, machine, versions, load."""
    locked = lockfile.versions(LOCK)
    theirs = {name: next(iter(locked[name])) for name in TOOLS} if peers else {}
    return {
        "schema": SCHEMA,
        "kind": "benchmark",
        "command": command,
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "load_before": load(),
        "versions": versions(_OURS),
        "peers": theirs,
        "comparisons": [],
    }


def add(record: dict[str, Any], comparison: Comparison, found: Mapping[str, Sequence[Measured]]) -> None:
    """Add what a comparison came to."""
    rows = summary(comparison, found)
    record["comparisons"].append(
        {
            "name": comparison.name,
            "title": comparison.title,
            "reference": comparison.reference,
            "remarks": list(comparison.remarks),
            "rounds": len(found[comparison.reference]),
            "doubts": doubts(rows),
            "rows": rows,
        }
    )


def new_folder(layout: Layout, name: str) -> Path:
    """Return ``runs/bench/<time>-<name>``, which is not there yet."""
    moment = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    return layout.runs / "bench" / f"{moment}-{name}"


def write_figures(target: Path, record: Mapping[str, Any]) -> Path:
    """Write the record as JSON, whole or not at all."""
    partial = target.with_name(f"{target.name}.partial-new")
    partial.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    partial.replace(target)
    return target
