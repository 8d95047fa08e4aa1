"""A sweep on a real Ray cluster of two nodes on this machine; one of them is killed in the middle."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from operation.engine.foundation.children import free_port
from operation.engine.foundation.layout import Layout
from tests.operation.engine.conftest import build, notebook, write

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="nodes are started and killed as on Linux")

COMMAND = [sys.executable, "-c", "import sys; from operation.cli import main; sys.exit(main(sys.argv[1:]))"]
RAY = [sys.executable, "-c", "from ray.scripts.scripts import main; main()", "start", "--block"]
SMALL = [
    "--num-cpus=1",
    "--object-store-memory=80000000",
    "--disable-usage-stats",
    "--node-ip-address=127.0.0.1",
]
QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_enable_metrics_collection": "0"}
NOTEBOOK = "02-double-count"
SLOW = """
import os, time
with open(MARKS, "a", encoding="utf-8") as file:
    file.write(f"{os.getpid()}\\n")
time.sleep(seconds)
"""


@dataclass
class Nodes:
    """A cluster: where it answers, and the process of each of its two nodes."""

    address: str
    processes: list[subprocess.Popen[bytes]]


@contextmanager
def _node(words: list[str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Start a node that lives until the block ends, with all that it started."""
    child = _started(words, log)
    try:
        yield child
    finally:
        _kill(child)


def _started(words: list[str], log: Path) -> subprocess.Popen[bytes]:
    """Start a node; Ray gives up after 30 s, which a busy machine may need, so it is asked again."""
    for _ in range(5):
        with log.open("wb") as said:
            child = subprocess.Popen(
                [*RAY, *SMALL, *words],
                env={**os.environ, **QUIET},
                cwd=log.parent,
                stdout=said,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        while child.poll() is None:
            if "Ray runtime started" in log.read_text(encoding="utf-8", errors="replace"):
                return child
            time.sleep(0.2)
        _kill(child)
    pytest.fail(log.read_text(encoding="utf-8", errors="replace")[-3000:])


def _kill(child: subprocess.Popen[bytes]) -> None:
    """End a node as a power cut does: every process of its session."""
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if int((entry / "stat").read_text().rpartition(")")[2].split()[3]) == child.pid:
                os.kill(int(entry.name), signal.SIGKILL)
    child.wait()


def _computes(node: subprocess.Popen[bytes], marks: Path) -> bool:
    """Return whether a point that has begun, and left its process in `marks`, computes on a node."""
    begun = marks.read_text(encoding="utf-8").split() if marks.exists() else []
    return any(node.pid in _ancestors(int(pid)) for pid in begun)


def _ancestors(pid: int) -> Iterator[int]:
    with suppress(OSError):  # it has ended
        while pid:
            pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
            yield pid


@pytest.fixture
def nodes() -> Iterator[Nodes]:
    folder = Path(tempfile.mkdtemp(prefix="wr", dir="/tmp"))  # sockets' paths may have 107 characters
    port = free_port()
    log, other = folder / "head.log", folder / "node.log"
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        head = ["--head", f"--port={port}", f"--temp-dir={folder}", "--include-dashboard=false"]
        first = stack.enter_context(_node(head, log))
        second = stack.enter_context(_node([f"--address=127.0.0.1:{port}"], other))
        yield Nodes(f"127.0.0.1:{port}", [first, second])


def _cells(path: Path) -> list[Any]:
    """Return the cells of an executed notebook without times and the random name of the injected one."""
    cells: list[Any] = json.loads(path.read_text(encoding="utf-8"))["cells"]
    for cell in cells:
        cell["metadata"] = {"tags": cell["metadata"].get("tags", [])}
        del cell["id"]
    return cells


def _points(layout: Layout) -> list[dict[str, Any]]:
    (path,) = layout.runs.glob("sweeps/*/manifest.json")
    points: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["points"]
    return points


def test_a_cluster_gives_what_this_machine_gives_and_a_lost_node_loses_nothing(
    tiny: Layout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, nodes: Nodes
) -> None:
    marks = tmp_path / "marks"
    choice = 'use_case: str = "tiny"\nenvironment: str = "DEV"\n'
    choice += "mode: str | None = None  # how\nseconds: float = 0.0  # to wait"
    cells = (
        "import core\ncore.use(use_case)",
        SLOW.replace("MARKS", repr(str(marks))),
        "core.double(mode=mode).metrics",
    )
    write(tiny, f"notebooks/{NOTEBOOK}.ipynb", json.dumps(notebook(choice, *cells)))
    grid = ["--grid", "count.factor=1,2,3", "--grid", "mode=plain,square", "-p", "seconds=2"]
    words = [*COMMAND, "sweep", NOTEBOOK, *grid]

    with subprocess.Popen(
        [*words, "--engine", "ray", "--address", nodes.address], cwd=tiny.root, stderr=subprocess.PIPE
    ) as driver:
        while driver.poll() is None and not _computes(nodes.processes[1], marks):
            time.sleep(0.05)
        _kill(nodes.processes[1])
        _, said = driver.communicate(timeout=240)
    assert driver.returncode == 0, said.decode()
    found = _points(tiny)
    assert [entry["status"] for entry in found] == ["succeeded"] * 6
    assert len(marks.read_text().splitlines()) > 6  # a point that was lost began again

    here = build(tmp_path / "here", monkeypatch)
    shutil.copy(tiny.notebooks / f"{NOTEBOOK}.ipynb", here.notebooks)
    subprocess.run(words, cwd=here.root, check=True, stdout=subprocess.DEVNULL)
    for one, other in zip(found, _points(here), strict=True):
        assert (one["metrics"], one["keys"]) == (other["metrics"], other["keys"])
        assert _cells(tiny.runs / one["notebook"]) == _cells(here.runs / other["notebook"])
    stored = [{entry.name for entry in layout.store.iterdir()} for layout in (tiny, here)]
    assert stored[0] == stored[1]


def test_an_address_where_nothing_answers_is_told(tiny: Layout) -> None:
    words = ["sweep", NOTEBOOK, "--grid", "mode=plain", "--engine", "ray", "--address", "ray://127.0.0.1:1"]
    done = subprocess.run([*COMMAND, *words], cwd=tiny.root, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith(
        "error: --address ray://127.0.0.1:1: no Ray cluster that can be used answers"
    )
