"""What all points need is executed once, before the first of them."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from operation.engine.configuration import Step
from operation.engine.foundation.layout import Layout
from operation.engine.foundation.run_folder import RunFolder
from operation.engine.identity.notebook_parameters import step_calls
from operation.engine.steps.runners import child_process
from operation.engine.steps.session import Session
from operation.engine.sweeps.plan import Sweep


def execute_upstream(layout: Layout, sweep: Sweep, folder: Path) -> None:
    """Execute, or find, the steps that are the same at all points and that they read from.

    Their records go to ``upstream`` in `folder`, the sweep's. A step that fails raises ScriptFailed: no point
    could do without it.
    """
    session = Session(sweep.prepared.configured, layout, child_process)
    session.run = RunFolder(folder / "upstream")
    sweep.points[0].prepared.hand_over(layout, session.run)
    for step in common_steps(sweep):
        session.step(step)


def common_steps(sweep: Sweep) -> list[str]:
    """Return the steps that the notebook's own steps read from and that are the same at all points."""
    steps = sweep.prepared.configured.steps
    read = {name: _read_by(step, steps) for name, step in steps.items()}
    own = {call.step for call in step_calls(sweep.source)} & set(steps)
    changed, needed = _varied(sweep), set(own)
    for name in steps:  # each after those that it reads from
        if read[name] & changed:
            changed.add(name)
    for name in reversed(steps):
        needed |= read[name] if name in needed else set()
    later = needed & (own | changed)
    return [name for name in steps if name not in later and any(name in read[step] for step in later)]


def _read_by(step: Step, steps: Collection[str]) -> set[str]:
    return {value.partition(".")[0] for value in step.inputs.values()} & set(steps)


def _varied(sweep: Sweep) -> set[str]:
    """Return the steps of which an argument is not the same at all points."""
    overrides = [point.prepared.assignments.overrides for point in sweep.points]
    names = {name for steps in overrides for name in steps}
    return {name for name in names if any(steps.get(name) != overrides[0].get(name) for steps in overrides)}


def upstream_records(folder: Path) -> list[dict[str, object]]:
    """Return the records of what was executed or found before the points."""
    return RunFolder(folder / "upstream").records()
