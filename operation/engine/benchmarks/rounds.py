"""Interleaved rounds of commands: each is measured as often, at the same times, on the same machine."""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from operation.engine.errors import StepFailed


@dataclass(frozen=True)
class Contender:
    """Something that is measured.

    Parameters
    ----------
    name : str
        As the table says it.
    commands : callable
        Given a folder that was prepared for it, returns the commands that are executed one after the other.
    variables : mapping, optional
        Environment variables beside those of this process.
    """

    name: str
    commands: Callable[[Path], Sequence[Sequence[str]]]
    variables: Callable[[Path], Mapping[str, str]] = field(default=lambda _: {})


def measure(contender: Contender, folder: Path, cwd: Path) -> float:
    """Return the seconds of wall time from the first command's start to the last one's end.

    Raises
    ------
    StepFailed
        A command failed; with the end of what it said.
    """
    variables = {**os.environ, **contender.variables(folder)}
    begin = time.perf_counter()
    for command in contender.commands(folder):
        done = subprocess.run(
            command, cwd=cwd, env=variables, capture_output=True, text=True, encoding="utf-8", check=False
        )
        if done.returncode:
            raise StepFailed(f"{contender.name}: {' '.join(command)} failed:\n{done.stderr[-2000:]}")
    return time.perf_counter() - begin


def rounds(
    contenders: Sequence[Contender],
    count: int,
    prepared: Callable[[Contender, int], Path],
    cwd: Path,
    say: Callable[[str], None],
) -> dict[str, list[float]]:
    """Measure each contender once a round, every round in another order; one more round before is not kept.

    Parameters
    ----------
    count : int
        Rounds, 1 or more.
    prepared : callable
        Returns a new folder for a contender and a round; not measured.
    cwd : Path
        Where the commands are executed.
    say : callable
        Told what was measured.

    Returns
    -------
    dict
        Contender -> seconds of each round.
    """
    found: dict[str, list[float]] = {one.name: [] for one in contenders}
    for number in range(count + 1):
        shift = number % len(contenders)
        for one in [*contenders[shift:], *contenders[:shift]]:
            seconds = measure(one, prepared(one, number), cwd)
            say(f"{'warm-up' if number == 0 else f'round {number}'}: {one.name} {seconds:.2f} s")
            if number:
                found[one.name].append(seconds)
    return found


def summary(found: Mapping[str, Sequence[float]], reference: str) -> list[dict[str, Any]]:
    """Return a row for each contender: median, least and most seconds, and its ratios to `reference`.

    ``ratio`` is the ratio of the medians; ``ratios`` are those within each round.
    """
    middle = statistics.median(found[reference])
    return [
        {
            "name": name,
            "median": round(statistics.median(seconds), 3),
            "least": round(min(seconds), 3),
            "most": round(max(seconds), 3),
            "ratio": round(statistics.median(seconds) / middle, 3),
            "ratios": [round(a / b, 3) for a, b in zip(seconds, found[reference], strict=True)],
        }
        for name, seconds in found.items()
    ]


def machine() -> dict[str, Any]:
    """Describe what was measured on; the load says how quiet it was."""
    return {
        "platform": platform.platform(),
        "python": sys.version.split()[0],
        "cores": os.cpu_count(),
        "load": os.getloadavg() if hasattr(os, "getloadavg") else None,
    }


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the rows as text."""
    lines = [f"{'':<34} {'median':>8} {'least':>8} {'most':>8} {'ratio':>7}   ratio of each round"]
    for row in rows:
        each = " ".join(f"{one:.2f}" for one in row["ratios"])
        lines.append(
            f"{row['name']:<34} {row['median']:>7.2f}s {row['least']:>7.2f}s {row['most']:>7.2f}s "
            f"{row['ratio']:>7.2f}   {each}"
        )
    return "\n".join(lines)
