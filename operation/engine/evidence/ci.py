"""A decision told to CI: output variable, warning and summary; there a rejection is no failure."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from operation.engine.foundation import ci_system
from operation.engine.foundation.secrets import masked

REJECTED = 3  # the exit code by which a gate says no
AUTO, NONE = "auto", "none"
CHOICES = (AUTO, NONE, *ci_system.SYSTEMS)


class Outcome(NamedTuple):
    """A decision as CI is told it: accepted or rejected, in one sentence, and as Markdown."""

    decision: str
    reason: str
    summary: str


def rejection(what: str, reason: str) -> Outcome:
    """Return what CI is told of a rejection of which only the message is known."""
    return Outcome("rejected", reason, f"## {what}: rejected\n\n{reason}\n")


def choice_of(ci: str, *, as_json: bool) -> str:
    """Return the choice of CI: a program that reads JSON is not told what it did not ask for."""
    return NONE if as_json and ci == AUTO else ci


def system_of(choice: str) -> str | None:
    """Return the CI system that is chosen, for auto the one that this runs in; None for none."""
    return ci_system.recognised() if choice == AUTO else None if choice == NONE else choice


def conclude(choice: str, exit_code: int, outcomes: Sequence[Outcome], folder: Path) -> int:
    """Tell CI of decisions, and return the exit code: 0 for a rejection that CI was told of.

    Parameters
    ----------
    choice : {"auto", "none", "azure", "github"}
        The CI system.
    exit_code : int
        Of the work.
    outcomes : sequence of Outcome
        Empty where nothing was decided. The variable ``decision`` is accepted if all of them are.
    folder : Path
        Where the summary is written.
    """
    system = system_of(choice)
    if system is None or not outcomes or exit_code not in (0, REJECTED):
        return exit_code
    rejected = [outcome.reason for outcome in outcomes if outcome.decision != "accepted"]
    for reason in rejected:
        ci_system.warn(system, f"The gate rejected the model: {reason}")
    ci_system.set_output(system, "decision", "rejected" if rejected else "accepted")
    file = folder / "decision.md"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(masked("\n".join(outcome.summary for outcome in outcomes)), encoding="utf-8")
    ci_system.add_summary(system, file)
    return 0
