"""Numbered items of work in forked processes: in order, and the item that kills its process is found."""

from __future__ import annotations

import multiprocessing
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any

PROBE = 8  # items by whose processor time, which a busy machine does not change, the others are divided
CHUNK_SECONDS = 0.5  # a fork takes some 20 ms
SMALL_SECONDS = 2.0  # of work: one process does it as fast as several

Work = Callable[[int], bytes]


def in_order(work: Work, count: int, workers: int) -> Iterator[bytes | None]:
    """Yield ``work(0)``, ..., ``work(count - 1)``, in this order, whatever is finished first.

    Parameters
    ----------
    work : callable
        Gives the bytes of one item; raises nothing. What it reads is shared with the processes, not sent.
    count : int
        Number of items.
    workers : int
        Processes at a time; 1, and systems where processes cannot be forked: all is done in this process.

    Yields
    ------
    bytes or None
        None for an item whose process died twice. An item whose process died once is done again, alone.
    """
    if workers == 1 or sys.platform != "linux":
        yield from map(work, range(count))
        return
    forks = _Forks(work, workers)
    done: dict[int, bytes | None] = {}
    following = 0
    try:
        for item, result in forks.results(count):
            done[item] = result
            while following in done:
                yield done.pop(following)
                following += 1
    finally:
        forks.stop()


@dataclass(frozen=True)
class _Child:
    process: Any
    unfinished: deque[int]


class _Forks:
    def __init__(self, work: Work, workers: int) -> None:
        self._work = work
        self._workers = workers
        self._context = multiprocessing.get_context("fork")
        self._children: dict[Connection, _Child] = {}
        self._suspects: set[int] = set()
        self._seconds = 0.0  # of processor time that the items took so far

    def results(self, count: int) -> Iterator[tuple[int, bytes | None]]:
        """Yield each item and its result, in the order in which they are finished."""
        probe = range(min(PROBE, count))
        yield from self._run([probe])
        seconds = self._seconds / max(len(probe), 1)
        yield from self._run(chunks(range(len(probe), count), seconds, self._workers))

    def stop(self) -> None:
        """End the processes that are still at work."""
        for connection, child in self._children.items():
            child.process.terminate()
            child.process.join()
            connection.close()

    def _run(self, items: Iterable[Sequence[int]]) -> Iterator[tuple[int, bytes | None]]:
        waiting = deque(items)
        while waiting or self._children:
            while waiting and len(self._children) < self._workers:
                self._start(waiting.popleft())
            for connection in wait(list(self._children)):
                assert isinstance(connection, Connection)  # noqa: S101 - what was waited for
                try:
                    item, result, seconds = connection.recv()
                except (EOFError, OSError):  # all is done, or the process died
                    dead, again = self._ended(connection)
                    yield from ((item, None) for item in dead)
                    waiting.extendleft(again)
                else:
                    self._children[connection].unfinished.popleft()
                    self._seconds += seconds
                    yield item, result

    def _start(self, items: Sequence[int]) -> None:
        receiving, sending = self._context.Pipe(duplex=False)
        process = self._context.Process(target=_work_off, args=(self._work, items, sending), daemon=True)
        process.start()
        sending.close()  # so that its end is seen here when the process ends
        self._children[receiving] = _Child(process, deque(items))

    def _ended(self, connection: Connection) -> tuple[list[int], list[Sequence[int]]]:
        """Return the items that killed their process again, and those that are still to be done."""
        child = self._children.pop(connection)
        connection.close()
        child.process.join()
        if not child.unfinished:
            return [], []
        suspect, *rest = child.unfinished
        again: list[Sequence[int]] = [rest] if rest else []
        if suspect in self._suspects:
            return [suspect], again
        self._suspects.add(suspect)
        return [], [*again, [suspect]]


def _work_off(work: Work, items: Iterable[int], sending: Connection) -> None:
    for item in items:
        begin = time.process_time()
        sending.send((item, work(item), time.process_time() - begin))


def chunks(items: Sequence[int], seconds: float, workers: int) -> list[Sequence[int]]:
    """Divide `items`, each of which takes so many `seconds` of a processor, among `workers` processes."""
    if seconds * len(items) < SMALL_SECONDS:
        return [items] if items else []
    # at least two for each worker, so that the last ones do not leave the others idle for long
    size = max(1, min(round(CHUNK_SECONDS / max(seconds, 1e-9)), -(-len(items) // (2 * workers))))
    return [items[first : first + size] for first in range(0, len(items), size)]
