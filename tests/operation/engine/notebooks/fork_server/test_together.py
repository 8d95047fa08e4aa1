"""Several notebooks at once, forked from one process: none feels the others."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbformat import from_dict

from operation.engine.notebooks.fork_server.client import ForkServer
from operation.engine.notebooks.fork_server.managers import forking
from tests.operation.engine.notebooks.fork_server.behaviours import document

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="notebooks are forked on Linux alone")

MEET = """
import os, random, time
from pathlib import Path
import numpy as np
Path(os.environ["MEET"], os.environ["NUMBER"]).touch()
while len(list(Path(os.environ["MEET"]).iterdir())) < {count}:
    time.sleep(0.01)
Path("mine").write_text(os.environ["NUMBER"])
print(os.getcwd(), os.environ["NUMBER"], random.random(), np.random.rand(), os.getpgrp() == os.getpid())
"""
WAIT = """
import time
from pathlib import Path
while not Path("go").exists():
    time.sleep(0.01)
print("went on")
"""


def _execute(server: ForkServer, folder: Path, cell: str, seconds: float, **variables: str) -> str:
    """Return what the cell printed, or how it ended, by one of the threads of a sweep."""
    folder.mkdir()
    notebook: Any = from_dict(document([cell]))  # type: ignore[no-untyped-call]
    manager = forking(AsyncKernelManager, server, None, 60)
    client = NotebookClient(
        notebook, timeout_func=lambda _: seconds, kernel_name="python3", kernel_manager_class=manager
    )
    said = ""
    try:
        client.execute(cwd=str(folder), env={**os.environ, **variables})
    except (CellTimeoutError, DeadKernelError) as end:
        said = f"{type(end).__name__} {end}"
    return "".join(one["text"] for one in notebook.cells[1].outputs if "text" in one)[:1000] + said


def _together(count: int, one: Callable[[int], str]) -> list[str]:
    with ThreadPoolExecutor(count) as threads:
        return list(threads.map(one, range(count)))


@pytest.mark.parametrize("count", [2, 8])
def test_notebooks_at_once_share_nothing(tmp_path: Path, fork_server: ForkServer, count: int) -> None:
    meet = tmp_path / "meet"
    meet.mkdir()

    def one(number: int) -> str:
        folder = tmp_path / f"folder-{number}"
        words: dict[str, Any] = {"MEET": str(meet), "NUMBER": str(number)}
        return _execute(fork_server, folder, MEET.format(count=count), 120, **words)

    found = [said.split() for said in _together(count, one)]
    assert [(place, number) for place, number, *_ in found] == [
        (str((tmp_path / f"folder-{number}").resolve()), str(number)) for number in range(count)
    ]
    assert len({drawn for _, _, first, second, _ in found for drawn in (first, second)}) == 2 * count
    assert {leader for *_, leader in found} == {"True"}
    assert [(tmp_path / f"folder-{n}" / "mine").read_text() for n in range(count)] == list(
        map(str, range(count))
    )


def test_one_is_killed_one_interrupted_one_floods_and_the_others_go_on(
    tmp_path: Path, fork_server: ForkServer
) -> None:
    cells = [
        ("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)", 120),
        ("while True: pass", 0.5),
        ("while True: print('x' * 1000)", 0.5),
        (WAIT, 120),
    ]

    with ThreadPoolExecutor(4) as threads:
        asked = [
            threads.submit(_execute, fork_server, tmp_path / str(number), cell, limits)
            for number, (cell, limits) in enumerate(cells)
        ]
        ends = [one.result() for one in asked[:3]]
        (tmp_path / "3" / "go").touch()
        assert asked[3].result() == "went on\n"
    assert ends[0] == "DeadKernelError Kernel died"
    assert all("CellTimeoutError" in one for one in ends[1:])


def test_threads_are_the_cores_shared_among_the_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    from operation.engine.notebooks.fork_server.source import for_all

    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    cores = len(os.sched_getaffinity(0))
    assert [for_all(workers)["OMP_NUM_THREADS"] for workers in (1, cores, 8 * cores)] == [
        str(cores),
        "1",
        "1",
    ]


def test_code_that_lies_where_a_command_is_given_is_not_taken_for_a_library(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "yaml.py").write_text("raise SystemExit", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    with ForkServer(os.environ) as fork_server:
        fork_server.preload(["yaml"])
        said = _execute(fork_server, tmp_path / "elsewhere", "import yaml\nprint(yaml.__file__)", 120)
    assert said.strip().endswith("site-packages/yaml/__init__.py")
