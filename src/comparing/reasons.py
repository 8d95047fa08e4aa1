"""Reasons: what speaks for a challenger, and what against it, as sentences."""

from collections.abc import Mapping, Sequence
from typing import Any

SUPERIORITY, NON_INFERIORITY = "superiority", "non-inferiority"
Section = Mapping[str, Any]


def described(section: Section) -> str:
    """Return a difference as people read it: ``+0.0012 (-0.0003 to +0.0031)``."""
    return f"{section['value']:+.4g} ({section['low']:+.4g} to {section['high']:+.4g})"


def against_conditions(conditions: Sequence[Section]) -> list[str]:
    """Return a reason for each condition that does not hold."""
    return [
        f"{entry['condition']} does not hold: {entry['value']:.6g} against {entry['limit']:.6g}"
        for entry in conditions
        if not entry["passed"]
    ]


def against_difference(section: Section, loss: str, rule: str) -> list[str]:
    """Return why a difference is none to change the champion for; nothing where it is one."""
    margin, rows = section["margin"], f"on {section['rows']:,} equal rows"
    found = f"its mean {loss} loss differs by {described(section)} {rows}"
    is_tolerant = rule == NON_INFERIORITY
    if section["low"] > (margin if is_tolerant else 0):
        return [f"it is certainly worse than the champion: {found}"]
    if is_tolerant:
        may = f"it may be worse than the champion by {margin:g} or more: {found}"
        return [] if section["high"] < margin else [may]
    if section["high"] >= 0:
        return [f"it is not certainly better than the champion: {found}"]
    little = f"it is better than the champion by less than {margin:g}: {found}"
    return [] if -section["value"] >= margin else [little]


def against_power(section: Section | None) -> list[str]:
    """Return what a larger holdout would tell, where this one is too small for its margin."""
    if section is None or section["rows_needed"] <= section["rows"]:
        return []
    return [f"about {section['rows_needed']:,} rows would tell a difference of {section['difference']:+g}"]


def against_slices(slices: Sequence[Section]) -> list[str]:
    """Return a reason for each slice that got worse."""
    return [
        f"it is certainly worse for {entry['column']} {entry['category']}: {described(entry)} on "
        f"{entry['rows']:,} rows" + (f", beyond {entry['margin']:g}" if entry["margin"] else "")
        for entry in slices
        if not entry["passed"]
    ]


def in_favour(decision: Section) -> str:
    """Return the sentence that argues for an accepted challenger."""
    held = len(decision["conditions"])
    conditions = f"{held} condition{' holds' if held == 1 else 's hold'}" if held else "no condition is set"
    if decision["champion"] is None:
        return f"there is no champion yet, and {conditions}"
    if decision["champion"] == decision["challenger"]:
        return f"it is the champion already, and {conditions}"
    difference = decision["difference"]
    if difference is None:
        return f"the champion cannot be compared and is replaced unseen, as configured; {conditions}"
    claim = "it is certainly better than the champion"
    if decision["rule"] == NON_INFERIORITY:
        claim = f"it is certainly not worse than the champion by {difference['margin']:g} or more"
    found = f"its mean {decision['metric']} loss differs by {described(difference)}"
    number = len(decision["slices"])
    slices = f"none of {number} slices is certainly worse, " if number else ""
    return f"{claim}: {found} on {difference['rows']:,} equal rows; {slices}{conditions}"
