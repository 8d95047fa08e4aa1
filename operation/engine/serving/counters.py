"""Counters that all processes of a service share, in the text format of Prometheus.

Each process adds to a file of its own, mapped into its memory; whoever is asked adds them all up. A process
that is killed leaves what it has counted: a counter never falls.
"""

from __future__ import annotations

import mmap
import os
import threading
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from pathlib import Path

BUCKETS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
STATUSES = (200, 400, 401, 404, 405, 408, 411, 413, 415, 431, 500, 503)
ANY = len(STATUSES)  # the place of every other status
ROWS, LOST, SECONDS, FIRST_BUCKET = ANY + 1, ANY + 2, ANY + 3, ANY + 4
PLACES = FIRST_BUCKET + len(BUCKETS) + 1
SUFFIX = ".counters"


class Counters:
    """One process's share of a service's counters.

    Parameters
    ----------
    folder : Path
        Of the service; it is made.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        with (folder / f"{os.getpid()}{SUFFIX}").open("w+b") as file:
            file.truncate(PLACES * 8)
            self._values = memoryview(mmap.mmap(file.fileno(), PLACES * 8)).cast("d")
        self._places = {status: place for place, status in enumerate(STATUSES)}
        self._lock = threading.Lock()

    def count(self, status: int, seconds: float, rows: int = 0, *, lost: bool = False) -> None:
        """Add one request to /score; `lost` says that the log of scored rows could not be written."""
        values = self._values
        with self._lock:
            values[self._places.get(status, ANY)] += 1
            values[ROWS] += rows
            values[LOST] += lost
            values[SECONDS] += seconds
            values[FIRST_BUCKET + bisect_left(BUCKETS, seconds)] += 1

    def text(self, labels: Mapping[str, str]) -> str:
        """Return the counters of all processes; `labels` tell the model."""
        return "\n".join(_lines(_totals(self.folder), labels)) + "\n"


def _totals(folder: Path) -> list[float]:
    totals = [0.0] * PLACES
    for file in folder.glob(f"*{SUFFIX}"):
        content = file.read_bytes()
        if len(content) == PLACES * 8:
            totals = [one + other for one, other in zip(totals, memoryview(content).cast("d"), strict=True)]
    return totals


def _lines(totals: list[float], labels: Mapping[str, str]) -> Iterator[str]:
    yield from _head("score_requests_total", "counter", "Requests to /score, by the status of the answer.")
    for status, place in [*((str(one), place) for place, one in enumerate(STATUSES)), ("other", ANY)]:
        if totals[place] or status in ("200", "400", "500"):
            yield f'score_requests_total{{status="{status}"}} {totals[place]:.0f}'
    yield from _head("score_rows_total", "counter", "Rows that were predicted.")
    yield f"score_rows_total {totals[ROWS]:.0f}"
    yield from _head("score_log_failures_total", "counter", "Requests that could not be logged.")
    yield f"score_log_failures_total {totals[LOST]:.0f}"
    yield from _head("score_seconds", "histogram", "Time from the request's head to its answer.")
    below = 0.0
    for bound, number in zip((*map(str, BUCKETS), "+Inf"), totals[FIRST_BUCKET:], strict=True):
        below += number
        yield f'score_seconds_bucket{{le="{bound}"}} {below:.0f}'
    yield f"score_seconds_sum {totals[SECONDS]:.9g}"
    yield f"score_seconds_count {below:.0f}"
    yield from _head("score_model_info", "gauge", "The model that answers.")
    told = ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items())
    yield f"score_model_info{{{told}}} 1"


def _head(name: str, kind: str, text: str) -> tuple[str, str]:
    return f"# HELP {name} {text}", f"# TYPE {name} {kind}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
