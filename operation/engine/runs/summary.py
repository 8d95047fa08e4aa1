"""What commands print of a step or a run: its metrics and its failure."""

from collections.abc import Mapping
from typing import Any

_LONGEST = 2000  # characters of a message on the console


def metric_lines(metrics: Mapping[str, Any]) -> list[str]:
    """Return a line for each metric."""
    return [f"  {name:<28} {_metric(value)}" for name, value in sorted(metrics.items())]


def _metric(value: object) -> str:
    if not isinstance(value, float):
        return str(value)
    return f"{value:.0f}" if value.is_integer() else f"{value:.4f}"


def failure_line(error: Mapping[str, Any]) -> str:
    """Return the cell that failed, the line of the sources, and what was raised."""
    count = error["execution_count"]
    cell = f"cell In [{count}]" if count else f"cell {error['cell']}"
    location = f"{error['file']}:{error['line']}" if error["line"] else str(error["file"])
    message = error["message"]
    if len(message) > _LONGEST:
        message = f"{message[:_LONGEST]}... (whole in the report)"
    return f"{cell}, {location}: {error['type']}" + (f": {message}" if message != error["type"] else "")
