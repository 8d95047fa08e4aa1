"""Measures one contender once."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from operation.engine.benchmarks import activity
from operation.engine.benchmarks.contender import Contender, Measured, Place
from operation.engine.benchmarks.processes import execute, last_lines
from operation.engine.benchmarks.traces import cell_seconds, page_kilobytes
from operation.engine.errors import StepFailed


def measure(contender: Contender, place: Place) -> Measured:
    """Execute the contender's commands; the wall time is that from the first start to the last end.

    Raises
    ------
    StepFailed
        A command failed, or its output lacks the contender's proof; with the end of what it said.
    """
    commands, before = contender.commands(place), set(_files(place))
    whole, own, children, begin = activity.machine(), activity.own(), activity.children(), time.perf_counter()
    said = execute(commands, contender.name, contender.at_once)
    seconds, used = time.perf_counter() - begin, activity.children() - children
    busy = (activity.machine() or 0) - whole if whole is not None else None
    _check(contender, said[-1])
    left = [path for path in _files(place) if path not in before]
    return Measured(
        seconds=contender.figure(said[-1]) if contender.figure else seconds,
        cpu=used or None,
        others=activity.share_of_others(busy, used + activity.own() - own, seconds),
        cells=cell_seconds(left),
        kilobytes=page_kilobytes(left),
    )


def _check(contender: Contender, said: str) -> None:
    if contender.proof not in said:
        raise StepFailed(
            f"{contender.name}: expected '{contender.proof}' in its output: what was measured is not what "
            f"was meant.\n{last_lines(said)}"
        )


def _files(place: Place) -> Iterator[Path]:
    for folder in (place.project / "runs", place.out):
        for kind in ("*.ipynb", "*.html"):
            yield from (path for path in folder.rglob(kind) if not path.is_symlink())
