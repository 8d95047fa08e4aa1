"""A command that is told to end, as CI tells it, leaves what Ctrl-C leaves: a record, and nothing running."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from operation import cli
from operation.engine.evidence.capsule.server import Server
from operation.engine.foundation import manifest
from operation.engine.foundation.children import free_port
from operation.engine.foundation.layout import Layout
from tests.operation.engine.conftest import build, notebook, write
from tests.operation.execution import small
from tests.processes import processes_of
from tests.src.conftest import everything, tumours  # noqa: F401 - fixtures
from tests.src.running import Trained

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="it looks at /proc")

ROOT = Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, "-X", "workbench", "-m", "operation"]
PATIENCE = 120.0  # seconds until a command is where the signal is to meet it
FULL = os.environ.get("WORKBENCH_FULL_ENDINGS")
SOON = 20.0  # seconds until nothing is left
CHOICE = 'use_case: str = "tiny"\nenvironment: str = "DEV"\nseconds: float = 600.0  # to wait\n'
BUSY = """
import pathlib, subprocess, time
subprocess.Popen(['sleep', '600'])
pathlib.Path({there!r}).touch()
time.sleep(600)
"""


@dataclass(frozen=True)
class Running:
    """A command that works in `layout`, and its process."""

    layout: Layout
    process: subprocess.Popen[bytes]

    def signalled(self, number: signal.Signals) -> tuple[int, str]:
        """Send a signal to the command alone; return its exit code and what it said."""
        self.process.send_signal(number)
        _, said = self.process.communicate(timeout=60)
        return self.process.returncode, said.decode()

    def left(self) -> list[str]:
        """Return the command lines of what still runs for the project after a while."""
        until = time.monotonic() + SOON
        while (found := processes_of(self.layout.runs.parent)) and time.monotonic() < until:
            time.sleep(0.05)
        return found


Start = Callable[..., Running]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Layout:
    """The tiny project, whose first notebook and first step are busy when the file ``there`` appears."""
    layout = build(tmp_path / "project", monkeypatch)
    busy = BUSY.format(there=str(layout.root / "there"))
    write(layout, "notebooks/01-count-letters.ipynb", json.dumps(notebook(CHOICE, "print('first')", busy)))
    script = layout.src / "count.py"
    text = script.read_text(encoding="utf-8").replace(
        "    folder.mkdir()\n", f"    folder.mkdir()\n    exec({busy!r})\n"
    )
    script.write_text(text, encoding="utf-8")
    return layout


@pytest.fixture
def start() -> Iterator[Start]:
    """Return a function that starts a command and returns when it is busy; what is left is killed."""
    running: list[Running] = []

    def begin(layout: Layout, *words: str, until: Callable[[], bool] | None = None) -> Running:
        """Wait for the file ``there``, or for `until`."""
        out = layout.runs.parent / "out.txt"
        with out.open("wb") as file:
            process = subprocess.Popen(
                [*COMMAND, *words],
                cwd=ROOT,
                env={**os.environ, "WORKBENCH_ROOT": str(layout.root), "WORKBENCH_RUNS": str(layout.runs)},
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.PIPE,
            )
        running.append(Running(layout, process))
        limit = time.monotonic() + PATIENCE
        while not (until or (layout.root / "there").exists)():
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < limit, out.read_text(encoding="utf-8")
            time.sleep(0.05)
        return running[-1]

    yield begin
    for one in running:
        one.process.kill()
        one.process.wait()


def _start_another(file: Path) -> None:
    """Let what is busy start a second process, which leaves the group and the session of the first."""
    text = file.read_text(encoding="utf-8")
    first = "subprocess.Popen(['sleep', '600'])"
    assert text.count(first) == 1
    file.write_text(text.replace(first, f"{first}, {first[:-1]}, start_new_session=True)"), encoding="utf-8")


def _record(layout: Layout, pattern: str = "2*/manifest.json") -> dict[str, Any]:
    (file,) = layout.runs.glob(pattern)
    return dict(json.loads(file.read_text(encoding="utf-8")))


@pytest.mark.parametrize("engine", ["workbench", "nbclient"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_run_records_that_it_was_interrupted(
    project: Layout, start: Start, engine: str, number: signal.Signals
) -> None:
    _start_another(project.notebooks / "01-count-letters.ipynb")
    running = start(project, "run", "--notebook", "01-count-letters", "--engine", engine)
    code, said = running.signalled(number)
    assert (code, said.splitlines()[-1]) == (130, "interrupted")
    assert _record(project)["status"] == "interrupted"
    (page,) = project.runs.glob("2*/index.html")
    assert "interrupted" in page.read_text(encoding="utf-8")
    assert (page.parent / "01-count-letters.html").is_file()
    assert (project.runs / "index.html").is_file()
    assert running.left() == []


def test_a_second_signal_does_not_disturb_the_record(project: Layout, start: Start) -> None:
    running = start(project, "run", "--notebook", "01-count-letters")
    while running.process.poll() is None:  # GitHub sends SIGINT, then SIGTERM
        running.process.send_signal(signal.SIGTERM)
        time.sleep(0.002)
    assert running.process.wait() == 130
    assert _record(project)["status"] == "interrupted"
    assert len(list(project.runs.glob("2*/index.html"))) == 1
    assert running.left() == []


def test_sweep_records_that_it_was_interrupted(project: Layout, start: Start) -> None:
    running = start(project, "sweep", "01-count-letters", "--grid", "seconds=600,601", "--workers", "1")
    assert running.signalled(signal.SIGTERM)[0] == 130
    content = _record(project, "sweeps/*/manifest.json")
    assert content["status"] == "interrupted"
    assert (project.runs / "sweeps" / content["id"] / "index.html").is_file()
    assert running.left() == []


@pytest.mark.parametrize("words", [["step", "count"], ["certify", "count"]])
def test_a_script_ends_with_its_command(project: Layout, start: Start, words: list[str]) -> None:
    _start_another(project.src / "count.py")
    running = start(project, *words)
    code, said = running.signalled(signal.SIGTERM)
    assert (code, said.splitlines()[-1]) == (130, "interrupted")
    assert running.left() == []
    assert list(project.runs.rglob(".partial/*")) == []


def test_the_tests_end_with_their_command(project: Layout, start: Start) -> None:
    busy = BUSY.format(there=str(project.root / "there"))
    _start_another(write(project, "test_busy.py", f"def test_busy() -> None:\n    exec({busy!r})\n"))
    running = start(project, "test", "--workers", "1")
    assert running.signalled(signal.SIGTERM)[0] == 130
    assert running.left() == []


def test_a_pipeline_that_is_interrupted_leaves_its_summary(
    project: Layout, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    step = "steps:\n  - bash: python -m operation step count\n"
    write(project, "operation/pipelines/azure/p.yml", step)
    running = start(project, "ci", "p")
    code, said = running.signalled(signal.SIGTERM)
    assert (code, said.splitlines()[-1]) == (130, "interrupted")
    (summary,) = project.runs.glob("ci/*/summary.md")
    assert summary.read_text(encoding="utf-8").startswith("## ⏹️ p: canceled\n")
    assert "operation/pipelines/azure/p.yml:2: `python -m operation step count` was interrupted." in said
    assert running.left() == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_lab_ends_with_its_kernels(project: Layout, start: Start, number: signal.Signals) -> None:
    port = free_port()
    words = ["--no-browser", f"--port={port}", "--IdentityProvider.token=known"]
    server = Server(port, "known")
    running = start(project, "lab", *words, until=lambda: _answers(server))
    write(project, "notebooks/01-count-letters.ipynb", json.dumps(notebook(CHOICE, "1")))
    kernel = server.session("notebooks/01-count-letters.ipynb")
    server.execute(kernel, ["1"])
    assert len(processes_of(project.root)) == 3  # and the watcher
    running.signalled(number)
    assert running.left() == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_serve_ends_with_the_processes_that_answer(
    tmp_path: Path,
    everything: Trained,  # noqa: F811
    start: Start,
    number: signal.Signals,
) -> None:
    project = Layout(ROOT, tmp_path / "runs")
    words = ["--model", str(everything.model), "--port", str(free_port()), "--workers", "2"]
    running = start(project, "serve", *words, until=lambda: "serving " in _printed(project))
    code, said = running.signalled(number)
    assert code == (0 if number == signal.SIGTERM else -number), said
    assert running.left() == []


def _printed(layout: Layout) -> str:
    return (layout.runs.parent / "out.txt").read_text(encoding="utf-8")


def _answers(server: Server) -> bool:
    try:
        return bool(server.call("GET", "status"))
    except OSError:
        return False


@pytest.fixture
def capsule(project: Layout) -> str:
    """The capsule of a run that failed."""
    write(project, "notebooks/01-count-letters.ipynb", json.dumps(notebook(CHOICE, "ready = 1", "1 / 0")))
    words = [*COMMAND, "run", "--notebook", "01-count-letters"]
    subprocess.run(words, cwd=ROOT, env={**os.environ, "WORKBENCH_ROOT": str(project.root)}, check=False)
    (found,) = project.runs.glob("2*/capsule.zip")
    return str(found)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_replay_ends_its_server_and_its_kernel(
    project: Layout, capsule: str, start: Start, number: signal.Signals
) -> None:
    running = start(
        project,
        "replay",
        capsule,
        "--no-browser",
        "--yes",
        until=lambda: "Ctrl-C ends it" in _printed(project),
    )
    code, _ = running.signalled(number)
    assert code == (0 if number == signal.SIGTERM else -number)  # it is how such a session ends
    assert running.left() == []


@pytest.fixture
def sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Layout:
    """The small project, whose first step is busy as a job of Azure ML."""
    layout = small.build(tmp_path / "small")
    monkeypatch.delenv("ENVIRONMENT", raising=False)
    script, busy = layout.src / "count.py", BUSY.format(there=str(layout.root / "there"))
    text = script.read_text(encoding="utf-8")
    script.write_text(text.replace("    count = ", f"    exec({busy!r})\n    count = "), encoding="utf-8")
    return layout


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_submit_ends_the_service_and_the_jobs_that_it_started(
    sent: Layout, start: Start, number: signal.Signals
) -> None:
    running = start(sent, "submit", "count", "--emulator", "--compute", "local")
    code, _ = running.signalled(number)
    if number == signal.SIGTERM:
        assert (code, _record(sent)["status"]) == (130, "interrupted")
    assert running.left() == []


@pytest.mark.skipif(not FULL, reason="slow; WORKBENCH_FULL_ENDINGS=1 includes it")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_emulator_ends_the_jobs_of_another_command(
    sent: Layout, start: Start, number: signal.Signals
) -> None:
    service = start(sent, "emulator", until=lambda: "Dashboard" in _printed(sent))
    client = start(sent, "submit", "count", "--emulator", "--compute", "local")
    service.signalled(number)
    client.signalled(signal.SIGKILL)
    assert client.left() == []


@pytest.mark.skipif(not FULL, reason="slow; WORKBENCH_FULL_ENDINGS=1 includes it")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_report_leaves_whole_pages_and_can_be_asked_again(
    project: Layout, start: Start, number: signal.Signals
) -> None:
    name = "20261121-120000-tiny-DEV-aaaa"
    for book in ("01-count-letters", "02-double-count"):
        whole = write(project, f"runs/{name}/notebooks/{book}.ipynb", json.dumps(notebook(CHOICE, "1")))
    content = {"id": name, "kind": "run", "status": "failed"}
    kept = write(project, f"runs/{name}/manifest.json", json.dumps(content)).read_bytes()
    text = whole.read_text(encoding="utf-8")
    whole.unlink()
    os.mkfifo(whole)  # who reads it waits for ever
    running = start(project, "report", name, until=lambda: _is_being_read(whole))
    code, said = running.signalled(number)
    if number == signal.SIGTERM:
        assert (code, said.splitlines()[-1]) == (130, "interrupted")
    assert running.left() == []
    files = {path.relative_to(project.runs / name).as_posix() for path in (project.runs / name).glob("*.*")}
    assert files == {"manifest.json", "01-count-letters.html"}
    assert (project.runs / name / "manifest.json").read_bytes() == kept
    whole.unlink()
    whole.write_text(text, encoding="utf-8")
    assert cli.main(["report", name]) == 0
    assert len(list(project.runs.rglob("*.html"))) == 4


def _is_being_read(pipe: Path) -> bool:
    """Tell whether a process has a pipe open to read; this one then keeps it open to write."""
    try:
        os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
    except OSError:
        return False
    return True


KILLED = [
    ["run", "--notebook", "01-count-letters"],
    ["run", "--notebook", "01-count-letters", "--engine", "nbclient"],
    ["step", "count"],
    ["sweep", "01-count-letters", "--grid", "seconds=600,601", "--workers", "1"],
    *([["certify", "count"], ["test", "--workers", "1"]] if FULL else []),
]


@pytest.mark.parametrize("words", KILLED, ids=" ".join)
def test_what_a_killed_command_started_is_killed_too(project: Layout, start: Start, words: list[str]) -> None:
    busy = BUSY.format(there=str(project.root / "there"))
    tests = write(project, "test_busy.py", f"def test_busy() -> None:\n    exec({busy!r})\n")
    for file in (project.src / "count.py", project.notebooks / "01-count-letters.ipynb", tests):
        _start_another(file)
    running = start(project, *words)
    assert running.signalled(signal.SIGKILL)[0] == -signal.SIGKILL
    assert running.left() == []
    for path in [*project.runs.glob("2*/manifest.json"), *project.runs.glob("sweeps/*/manifest.json")]:
        assert (
            _record(project, str(path.relative_to(project.runs)))["status"] == "running"
        )  # as it was written
        assert (manifest.read(path) or {})["status"] == "interrupted"
    if words[0] == "run":
        assert cli.main(["report", _record(project)["id"]]) == 0
        pages = [*project.runs.glob("2*/index.html"), project.runs / "index.html"]
        assert len(pages) == 2
        assert all("interrupted" in page.read_text(encoding="utf-8") for page in pages)
