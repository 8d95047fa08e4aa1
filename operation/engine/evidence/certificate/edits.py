"""What was edited while steps were executed in several ways: these cannot be compared then."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from operation.engine.configuration import Configuration
from operation.engine.foundation import manifest
from operation.engine.foundation.errors import StepFailed
from operation.engine.foundation.layout import Layout
from operation.engine.identity.difference import differences
from operation.engine.identity.state import ProjectState
from operation.engine.steps.step import Plan


def since(own: Layout, planned: Plan) -> StepFailed:
    """Return the error that says what changed since a step was executed, now that it is `planned` so."""
    found = [manifest.read(file) or {} for file in own.store.glob("*/manifest.json")]
    before = max((one for one in found if one["step"] == planned.step), key=lambda one: str(one["ended"]))
    if changed := differences(before["components"], asdict(planned.components)):
        return _edited(str(changed[0]))
    return _edited(_reopened(own, before) or f"what {planned.step} does outside the store changed")


def _reopened(layout: Layout, record: Mapping[str, Any]) -> str:
    """Say which of the files that a step opened unasked holds something else now; empty: none."""
    holds = ProjectState(layout).holds
    changed = (name for name, digest in record["opened"].items() if not holds({name: digest}))
    return next((f"{name} changed" for name in changed), "")


def check_unchanged(
    layout: Layout, configured: Configuration, first: Mapping[str, Any], other: Mapping[str, Any]
) -> None:
    """Raise StepFailed when something was edited between two ways; a step may give another other inputs."""
    for step, record in first.items():
        sources = configured.step(step).inputs
        changed = [
            str(one)
            for one in differences(record["components"], other[step]["components"])
            if one.kind != "input" or not configured.reference(sources.get(one.name))
        ]
        changed += filter(None, [_reopened(layout, record)])
        if changed:
            raise _edited(changed[0])


def _edited(what: str) -> StepFailed:
    return StepFailed(
        f"{what} while the steps were executed: what one way gave cannot be compared with what another gave. "
        "Rerun it."
    )
