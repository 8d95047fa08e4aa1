"""Training that a decision began: every step up to the registry, and what the gate said."""

import os
from typing import Any, NamedTuple

from operation.engine.configuration import Configuration, Step
from operation.engine.foundation.errors import UsageError
from operation.engine.identity.contract import read_contract
from operation.engine.steps.failures import REJECTED, exit_code_of
from operation.engine.steps.session import Session

PROMOTED, NOT_PROMOTED = "promoted", "rejected"


class Outcome(NamedTuple):
    """What a training has come to."""

    outcome: str  # promoted or rejected
    text: str
    cpu_minutes: float


def registering(configured: Configuration) -> Step:
    """Return the step that registers the use case's model; raise UsageError without one."""
    for step in configured.steps.values():
        if "alias" in read_contract(step.script).values and "name" in step.arguments:
            return step
    raise UsageError(
        f"No step of '{configured.use_case}' registers a model: add one that executes src/register.py."
    )


def train(session: Session) -> Outcome:
    """Train, judge and register the model as champion; a rejection is an outcome, not an error."""
    step, begin = registering(session.configured), _cpu_minutes()
    try:
        session.step(step.name, {"alias": "champion"})
    except Exception as error:
        if exit_code_of(error) != REJECTED:
            raise
        return Outcome(NOT_PROMOTED, str(error).splitlines()[0], _cpu_minutes() - begin)
    return Outcome(PROMOTED, "the gate accepted the model; it is the champion", _cpu_minutes() - begin)


def _cpu_minutes() -> float:
    """Return the CPU time of this process and of its children that have ended."""
    return sum(os.times()[:4]) / 60


def as_record(outcome: Outcome) -> dict[str, Any]:
    """Return the outcome as it is recorded beside the decision."""
    return {**outcome._asdict(), "cpu_minutes": round(outcome.cpu_minutes, 4)}
