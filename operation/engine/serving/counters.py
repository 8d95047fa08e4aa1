"""Counters that all processes of a service share.

Each process adds to a file of its own, mapped into its memory; whoever is asked adds them all up. A process
that is killed leaves what it has counted: a counter never falls. Beside all requests together, each variant
has counters of its own: the champion, the challenger, and the challenger in shadow, which nobody hears.
"""

from __future__ import annotations

import json
import mmap
import os
import threading
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

BUCKETS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
STATUSES = (200, 400, 401, 404, 405, 408, 411, 413, 415, 431, 500, 503)
PLACE = {status: place for place, status in enumerate(STATUSES)}
ANY = len(STATUSES)  # the place of every other status
ROWS, LOST, SECONDS, FIRST_BUCKET = ANY + 1, ANY + 2, ANY + 3, ANY + 4
PLACES = FIRST_BUCKET + len(BUCKETS) + 1
VARIANTS = ("champion", "challenger", "shadow")
HEAD = 4096  # bytes: which models the process has
SIZE = HEAD + 8 * PLACES * (1 + len(VARIANTS))
SUFFIX = ".counters"
Models = Mapping[str, Mapping[str, str | None]]


class Counters:
    """One process's share of a service's counters.

    Parameters
    ----------
    folder : Path
        Of the service; it is made.
    models : mapping of str to mapping
        name, version and digest of champion and challenger, as far as there are.
    """

    def __init__(self, folder: Path, models: Models) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self._lock = folder, threading.Lock()
        partial = folder / f"{os.getpid()}.partial"
        head = json.dumps(models).encode().ljust(HEAD)
        partial.write_bytes(head + bytes(SIZE - HEAD))
        # whoever keeps the processes sees by this file that this one has loaded
        own = partial.replace(folder / f"{os.getpid()}{SUFFIX}")
        with own.open("r+b") as file:
            values = memoryview(mmap.mmap(file.fileno(), SIZE))[HEAD:].cast("d")
        self._blocks = [values[PLACES * place : PLACES * (place + 1)] for place in range(1 + len(VARIANTS))]
        self._of_variant = dict(zip(VARIANTS, self._blocks[1:], strict=True))

    def count(self, status: int, seconds: float, rows: int = 0, *, lost: bool = False) -> None:
        """Add one request to /score; `lost` says that the log of scored rows could not be written."""
        self._add(self._blocks[0], status, seconds, rows, lost)

    def count_variant(self, variant: str, status: int, seconds: float, rows: int, lost: bool) -> None:
        """Add what a variant said to a request, and how long it took."""
        self._add(self._of_variant[variant], status, seconds, rows, lost)

    def _add(self, values: memoryview[float], status: int, seconds: float, rows: int, lost: bool) -> None:
        with self._lock:
            values[PLACE.get(status, ANY)] += 1
            values[ROWS] += rows
            values[LOST] += lost
            values[SECONDS] += seconds
            values[FIRST_BUCKET + bisect_left(BUCKETS, seconds)] += 1


class Totals:
    """What all processes of a service have counted.

    Parameters
    ----------
    folder : Path
        Of the service.

    Attributes
    ----------
    all : list of float
        Of all requests.
    of_variant : dict of (str, str) to list of float
        Of each variant with the digest of its model.
    """

    def __init__(self, folder: Path) -> None:
        self.all = [0.0] * PLACES
        self.of_variant: dict[tuple[str, str], list[float]] = {}
        for content in _contents(folder):
            models: dict[str, dict[str, Any]] = json.loads(content[:HEAD])
            values = memoryview(content)[HEAD:].cast("d").tolist()
            self.all = _sum(self.all, values[:PLACES])
            for place, variant in enumerate(VARIANTS, start=1):
                model = models.get("challenger" if variant == "shadow" else variant)
                if model is not None:
                    label = (variant, str(model["digest"]))
                    known = self.of_variant.get(label, [0.0] * PLACES)
                    self.of_variant[label] = _sum(known, values[PLACES * place : PLACES * (place + 1)])


def _contents(folder: Path) -> Iterator[bytes]:
    for file in sorted(folder.glob(f"*{SUFFIX}")):
        content = file.read_bytes()
        if len(content) == SIZE:
            yield content


def _sum(one: Sequence[float], other: Sequence[float]) -> list[float]:
    return [left + right for left, right in zip(one, other, strict=True)]
