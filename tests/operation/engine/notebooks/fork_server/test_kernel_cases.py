"""What needs a real kernel is as with papermill's stock engine, which executes each notebook beside ours.

All of them take minutes: WORKBENCH_CONFORMANCE=1. Otherwise those that an imitation got wrong are executed.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from nbclient.exceptions import CellTimeoutError

from operation.engine.notebooks.fork_server.client import ForkServer
from tests.operation.engine.notebooks.fork_server.conftest import execute
from tests.operation.engine.notebooks.fork_server.kernel_cases import KERNEL_CASES
from tests.operation.engine.notebooks.fork_server.volatile import comparable

WRONG_ONCE = (
    "numpy prints with fewer digits",
    "numpy raises what it warned of",
    "decimal's precision",
    "connection file",
    "a comm",
    "shutdown",
    "closed standard output",
    "matplotlib notebook",
    "a widget",
    "a module named as the engine's",
    "file left open",
)
RACES = ("shutdown", "kernel's own exit")  # it ends 0.1 s later, after its client or before
_CHANCE = re.compile(r"[0-9a-f]{32}|[0-9a-f-]{36}|\d+(\.\d+)?it/s|\d\d:\d\d<\d\d:\d\d")


def _plain(value: Any) -> Any:
    """Return a notebook without names and measures that are drawn by chance."""
    if isinstance(value, dict):
        return {_CHANCE.sub("#", key): _plain(one) for key, one in sorted(value.items())}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return _CHANCE.sub("#", value) if isinstance(value, str) else value


def _outcome(folder: Path, cells: list[str], engine: str, **options: Any) -> tuple[Any, Any]:
    folder.mkdir()
    found = execute(folder, cells, engine, **options)
    saved = json.loads(json.dumps(comparable(found["notebook"])).replace(str(folder), "<folder>"))
    widgets = saved["metadata"].pop("widgets", {})
    models = [one["model_name"] for state in widgets.values() for one in state["state"].values()]
    raised = _plain(str(found["raised"]).replace(str(folder), "<folder>"))
    return _plain({**saved, "widgets": sorted(models)}), raised


@pytest.mark.parametrize("name", KERNEL_CASES if os.environ.get("WORKBENCH_CONFORMANCE") else WRONG_ONCE)
def test_it_is_as_with_the_stock_engine(
    tmp_path: Path, fork_server: ForkServer, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    cells = KERNEL_CASES[name]
    for number in range(5 if name in RACES else 1):
        ours = _outcome(tmp_path / f"ours-{number}", cells, "workbench", fork_server=fork_server)
        theirs = _outcome(tmp_path / f"other-{number}", cells, "nbclient")
        if ours == theirs:
            break
    assert ours == theirs


OPTIONS: dict[str, tuple[list[str], dict[str, Any]]] = {
    "extra arguments": (
        ["get_ipython().separate_in, get_ipython().ast_node_interactivity"],
        {"extra_arguments": ["--InteractiveShell.ast_node_interactivity=all"]},
    ),
    "interrupt and go on": (
        ["import time\ntry:\n    time.sleep(60)\nexcept KeyboardInterrupt:\n    print('went on')", "1"],
        {"execution_timeout": 1, "interrupt_on_timeout": True},
    ),
    "an error in place of the time-out's": (
        ["import time\ntime.sleep(60)", "1"],
        {
            "execution_timeout": 1,
            "interrupt_on_timeout": True,
            "error_on_timeout": {"ename": "Late", "evalue": "too late", "traceback": []},
        },
    ),
    "errors allowed": (["1 / 0", "2"], {"allow_errors": True}),
    "errors allowed by name": (["1 / 0", "open('nowhere')"], {"allow_error_names": ["ZeroDivisionError"]}),
    "no times": (["1"], {"record_timing": False}),
    "streams in one piece": (
        ["import sys\nprint('a')\nprint('b', file=sys.stderr)\nprint('c')"],
        {"coalesce_streams": True},
    ),
    "widgets not kept": (["import ipywidgets as w\nw.IntText(1);"], {"store_widget_state": False}),
    "ended at once": (["1"], {"shutdown_kernel": "immediate"}),
}


@pytest.mark.parametrize("name", OPTIONS)
def test_an_option_of_papermill_means_what_it_means_there(
    tmp_path: Path, fork_server: ForkServer, name: str
) -> None:
    cells, options = OPTIONS[name]
    ours = _outcome(tmp_path / "ours", cells, "workbench", fork_server=fork_server, **options)
    assert ours == _outcome(tmp_path / "other", cells, "nbclient", **options)


@pytest.mark.parametrize("option", [{"execution_timeout": 1}, {"timeout": 1}, {"timeout_func": lambda _: 1}])
def test_each_way_to_limit_a_cell_s_time_holds(
    tmp_path: Path, fork_server: ForkServer, option: dict[str, Any]
) -> None:
    found = execute(tmp_path, ["import time\ntime.sleep(60)"], "workbench", fork_server=fork_server, **option)
    assert isinstance(found["raised"], CellTimeoutError)


def test_hooks_are_called(tmp_path: Path, fork_server: ForkServer) -> None:
    seen: list[int] = []
    execute(
        tmp_path,
        ["1", "2"],
        "workbench",
        fork_server=fork_server,
        on_cell_executed=lambda **words: seen.append(words["cell_index"]),
    )
    assert seen == [1, 2]


def test_a_kernel_that_does_not_start_in_time_is_an_error(tmp_path: Path, fork_server: ForkServer) -> None:
    startup = tmp_path / "ipython" / "profile_default" / "startup"
    startup.mkdir(parents=True)
    (startup / "slow.py").write_text("import time; time.sleep(60)", encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
        found = execute(tmp_path, ["1"], "workbench", fork_server=fork_server, start_timeout=1)
    assert str(found["raised"]) == "Kernel didn't respond in 1 seconds"


def test_papermill_s_command_line_takes_a_time_to_start(tmp_path: Path) -> None:
    (tmp_path / "in.ipynb").write_text(NOTEBOOK, encoding="utf-8")
    words = ["papermill", "--engine", "workbench", "--start-timeout", "90", "in.ipynb", "out.ipynb"]
    done = subprocess.run(
        [sys.executable, "-m", *words], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


NOTEBOOK = """{"cells": [{"cell_type": "code", "id": "a", "metadata": {}, "source": "1", "outputs": [],
"execution_count": null}], "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3",
"language": "python"}}, "nbformat": 4, "nbformat_minor": 5}"""
