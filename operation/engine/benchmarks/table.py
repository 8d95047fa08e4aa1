"""The figures as text for a terminal."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from operation.engine.benchmarks.summary import doubts


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the rows as text, with the columns for which there are figures."""
    unit, factor = ("ms", 1000.0) if max(row["median"] for row in rows) < 1 else ("s", 1.0)
    columns = _columns(unit, factor)
    shown = [one for one in columns if any(row.get(one[1]) is not None for row in rows)]
    width = max(len(row["name"]) for row in rows)
    lines = ["  ".join([" " * width, *(f"{head:>9}" for head, _, _ in shown), " ratio of each round"])]
    for row in rows:
        cells = [f"{_told(row.get(name), form):>9}" for _, name, form in shown]
        each = " ".join(f"{one:.2f}" for one in row["ratios"])
        lines.append("  ".join([f"{row['name']:<{width}}", *cells, f" {each}"]))
    return "\n".join(line.rstrip() for line in [*lines, *doubts(rows)])


def _columns(unit: str, factor: float) -> list[tuple[str, str, Callable[[float], str]]]:
    def time(value: float) -> str:
        return f"{value * factor:.2f} {unit}"

    return [
        ("median", "median", time),
        ("least", "least", time),
        ("most", "most", time),
        ("ratio", "ratio", lambda value: f"{value:.2f}"),
        ("CPU", "cpu", lambda value: f"{value:.2f} s"),
        ("in cells", "cells", lambda value: f"{value:.2f} s"),
        ("beside", "rest", lambda value: f"{value:.2f} s"),
        ("HTML", "kilobytes", lambda value: f"{value:.0f} kB"),
    ]


def _told(value: float | None, form: Callable[[float], str]) -> str:
    return "" if value is None else form(value)
