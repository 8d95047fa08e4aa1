"""Values from JSON that may hold anything: of the type asked for, or nothing."""

from __future__ import annotations

import math
from collections.abc import Mapping


def string(entry: Mapping[str, object], name: str) -> str:
    """Return a text, or "" where it is none."""
    value = entry.get(name)
    return value if isinstance(value, str) else ""


def mapping(entry: Mapping[str, object], name: str) -> Mapping[str, object]:
    """Return a mapping, empty where it is none."""
    value = entry.get(name)
    return value if isinstance(value, dict) else {}


def mappings(entry: Mapping[str, object], name: str) -> list[Mapping[str, object]]:
    """Return the mappings of a list."""
    value = entry.get(name)
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def strings(entry: Mapping[str, object], name: str) -> tuple[str, ...]:
    """Return the texts of a list."""
    value = entry.get(name)
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()


def whole(value: object) -> int | None:
    """Return a whole number, or None."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def real(value: object) -> float | None:
    """Return a finite number, or None."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        real = float(value)
    except OverflowError:
        return None
    return real if math.isfinite(real) else None
