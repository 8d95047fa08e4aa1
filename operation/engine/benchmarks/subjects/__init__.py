"""What can be measured: a name, what it compares, and who makes the comparisons."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from operation.engine.benchmarks.contender import Comparison
from operation.engine.benchmarks.options import Options
from operation.engine.benchmarks.subjects import noop, notebooks, render, run, sweep
from operation.engine.benchmarks.tools import Tools


@dataclass(frozen=True)
class Subject:
    """One word of ``bench``.

    Parameters
    ----------
    summary : str
        What is compared.
    prepare : callable
        Executes what must be there before, and returns the comparisons.
    preparation : int
        Seconds that this takes on two cores, roughly.
    """

    summary: str
    prepare: Callable[[Tools, Options], list[Comparison]]
    preparation: int


SUBJECTS = {
    "notebooks": Subject("one notebook, to the executed notebook and its HTML", notebooks.comparisons, 15),
    "sweep": Subject("a sweep with reports, beside scripts and papermill", sweep.comparisons, 15),
    "noop": Subject("a run in which nothing changed, beside doit and DVC", noop.comparisons, 60),
    "render": Subject("HTML of an executed notebook, warm and cold", render.comparisons, 25),
    "run": Subject("the whole use case from nothing", run.comparisons, 0),
}
