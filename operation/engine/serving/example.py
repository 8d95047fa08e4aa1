"""A row that a model answers, made of what training knew of its columns: so anybody can try a service."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

TIME = "2024-01-15T12:00:00"  # any time is answered


def example(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row of nobody's: numbers from the middle of their range, the first level of what has levels.

    Parameters
    ----------
    facts : mapping
        What model.json holds: schema, features.
    """
    levels = facts["features"]["levels"]
    return {name: _value(column, levels.get(name, [])) for name, column in facts["schema"].items()}


def _value(column: Mapping[str, Any], levels: list[str]) -> object:
    kind = column["kind"]
    if kind == "time":
        return TIME
    if kind == "boolean":
        return True
    if levels:
        return levels[0]
    if column["minimum"] is None or column["maximum"] is None:
        return None if kind in ("text", "code") else 0
    middle = (column["minimum"] + column["maximum"]) / 2
    return round(middle) if kind == "integer" else round(middle, 3)
