"""Why a step was executed or reused, and what would become of it now; nothing is executed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from operation.engine.configuration import Configuration
from operation.engine.foundation.errors import WorkbenchError
from operation.engine.foundation.layout import Layout
from operation.engine.identity.difference import Difference, differences
from operation.engine.steps import history
from operation.engine.steps.runners import child_process
from operation.engine.steps.session import Reading, Session
from operation.engine.steps.step import Done, Plan, find


class NotInStore(WorkbenchError):
    """A step's outputs are not there; `planned` says which."""

    def __init__(self, planned: Plan) -> None:
        self.planned = planned
        super().__init__(f"{planned.step} is not in the store")


class LookingSession(Session):
    """A session that finds, and never executes."""

    def _step(self, name: str, given: Mapping[str, object], reading: Reading, *, fresh: bool = False) -> Done:
        """Return the step from the store; raise NotInStore when it, or a step that it needs, is not there."""
        del fresh
        planned = self._plan(name, given, reading)
        argv = planned.argv(self.layout.store / planned.key)
        entry = find(reading.state, planned.key, planned.contract.script, argv)
        if entry is None:
            raise NotInStore(planned)
        return Done(planned, entry, "reused", 0.0, dict(entry.manifest["metrics"]))


@dataclass(frozen=True)
class Explanation:
    """Why one step was, and now would be, executed or reused."""

    step: str
    last: Mapping[str, Any] | None  # last entry of its history, or record of the named run
    # how that differed from the execution before it that had another key
    was: Sequence[Difference] = field(default_factory=list)
    now: str = "reused"  # or ``executed``; ``unknown`` while a step that it needs is not there
    waiting_for: str = ""  # that step
    differs: Sequence[Difference] = field(default_factory=list)  # from `last`


def explain(
    layout: Layout, configured: Configuration, step: str, named: Mapping[str, Any] | None = None
) -> Explanation:
    """Explain a step as configured, against its record `named` in a run's manifest or its last execution."""
    past = _configured_history(layout, configured, step)
    last = named or (past[-1] if past else None)
    was = [] if named or last is None else _since_other_key(layout, past)
    try:
        planned = LookingSession(configured, layout, child_process).step(step).plan
        state, waiting = "reused", ""
    except NotInStore as missing:
        planned, state, waiting = missing.planned, "executed", ""
        if planned.step != step:
            return Explanation(step, last, was, "unknown", planned.step)
    differs = _compare(layout, last, history.described(layout, planned)) if last else []
    return Explanation(step, last, was, state, waiting, differs)


def _configured_history(layout: Layout, configured: Configuration, step: str) -> list[dict[str, Any]]:
    entries = history.read(layout, configured.use_case, configured.environment, step)
    return [entry for entry in entries if entry.get("as_configured")]


def _since_other_key(layout: Layout, past: Sequence[Mapping[str, Any]]) -> list[Difference]:
    """Compare the last entry with the newest one before it that has another key."""
    others = [entry for entry in past if entry["key"] != past[-1]["key"]]
    return _compare(layout, others[-1], past[-1]) if others else []


def _compare(layout: Layout, before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Difference]:
    old, new = (history.with_packages(layout, record["components"]) for record in (before, after))
    return differences({**old, "packages": before.get("packages", old["packages"])}, new)
