"""Forked work: results in order, the item that kills its process found, what died by accident done again."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from support.forks import PROBE, chunks, in_order


def text(item: int) -> bytes:
    return f"{item}".encode()


@pytest.mark.parametrize("workers", [1, 2, 3])
@pytest.mark.parametrize("count", [0, 1, PROBE, 3 * PROBE + 1])
def test_results_are_in_order_for_any_number_of_processes(count: int, workers: int) -> None:
    assert list(in_order(text, count, workers)) == [text(item) for item in range(count)]


@pytest.mark.parametrize("killer", [0, PROBE - 1, PROBE, 19])
def test_only_the_item_that_kills_its_process_has_no_result(killer: int) -> None:
    def work(item: int) -> bytes:
        if item == killer:
            os.kill(os.getpid(), signal.SIGKILL)
        return text(item)

    results = list(in_order(work, 20, 2))
    assert results == [None if item == killer else text(item) for item in range(20)]


def test_what_died_by_accident_is_done_again(tmp_path: Path) -> None:
    def work(item: int) -> bytes:
        if item == 3 and not (tmp_path / "died").exists():
            (tmp_path / "died").touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return text(item)

    assert list(in_order(work, 10, 2)) == [text(item) for item in range(10)]
    assert (tmp_path / "died").exists()


def test_processes_end_when_nobody_wants_the_results_any_more() -> None:
    results = in_order(lambda _: f"{os.getpid()}".encode(), 100, 2)
    pid = int(next(results) or b"")
    results.close()  # type: ignore[attr-defined]
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_little_work_is_one_chunk_and_much_is_shared() -> None:
    assert chunks(range(8, 100), 0.001, 2) == [range(8, 100)]
    assert chunks([], 1.0, 2) == []
    assert [len(chunk) for chunk in chunks(range(100), 0.1, 2)] == [5] * 20
    assert [len(chunk) for chunk in chunks(range(4), 3.0, 2)] == [1] * 4
