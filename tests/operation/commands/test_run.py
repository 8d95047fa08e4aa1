"""How a command that runs notebooks ends: its exit code and words, what is saved, nothing left running."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from operation import cli
from operation.engine.foundation.layout import Layout
from tests.operation.engine.conftest import build, notebook, write
from tests.processes import processes_of

BOOK = "01-count-letters"
CHOICE = 'use_case: str = "tiny"\nenvironment: str = "DEV"\n'
COMMAND = [sys.executable, "-c", "import sys; from operation.cli import main; sys.exit(main(sys.argv[1:]))"]
FAULTS = {
    "exit": (
        "import os\nos._exit(9)",
        [],
        "DeadKernelError: Kernel died: the notebook's process ended by itself with exit code 9",
    ),
    "time of a cell": (
        "import time\ntime.sleep(600)",
        ["--cell-seconds", "3"],
        "CellTimeoutError: A cell timed out while it was being executed, after 3 seconds.",
    ),
    "memory": ("much = bytearray(300_000_000)", ["--megabytes", "200"], ": MemoryError"),
}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Layout:
    """The tiny project; whatever is started in it has its folder in its environment."""
    return build(tmp_path, monkeypatch)


def _book(layout: Layout, *cells: str) -> None:
    write(layout, f"notebooks/{BOOK}.ipynb", json.dumps(notebook(CHOICE, "print('first')", *cells)))


def _saved(layout: Layout) -> tuple[dict[str, Any], list[str]]:
    """Return the manifest of the only run, and what the cells of its notebook printed."""
    manifest = next(layout.runs.glob("2*/manifest.json"))
    document = json.loads((manifest.parent / "notebooks" / f"{BOOK}.ipynb").read_text(encoding="utf-8"))
    cells = [one for one in document["cells"] if one["cell_type"] == "code"]
    texts = ["".join("".join(output.get("text", "")) for output in one["outputs"]) for one in cells]
    assert (manifest.parent / f"{BOOK}.html").is_file()
    assert (manifest.parent / "index.html").is_file()
    return json.loads(manifest.read_text(encoding="utf-8")), texts


@pytest.mark.skipif(sys.platform != "linux", reason="the stock engine has its own words")
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_a_notebook_is_told_with_its_cell(
    project: Layout, capsys: pytest.CaptureFixture[str], fault: str
) -> None:
    cell, words, said = FAULTS[fault]
    _book(project, cell, "print('never')")
    assert cli.main(["run", "--notebook", BOOK, *words]) == 1
    first = capsys.readouterr().err.splitlines()[0]
    assert first.startswith(f"error: {BOOK}, cell In [")
    assert said in first
    content, texts = _saved(project)
    assert content["status"] == "failed"
    assert "first\n" in texts
    assert "never\n" not in texts
    assert processes_of(project.root) == []


@pytest.mark.skipif(sys.platform == "win32", reason="a signal reaches one process there, not a group")
def test_ctrl_c_saves_what_there_is_and_leaves_nothing_running(project: Layout) -> None:
    there = project.root / "there"
    leftover = "import subprocess\nsubprocess.Popen(['sleep', '600'], start_new_session=True)"
    _book(project, f"{leftover}\nopen({str(there)!r}, 'w').close()\nimport time\ntime.sleep(600)")
    words = [*COMMAND, "run", "--notebook", BOOK]
    with subprocess.Popen(words, cwd=project.root, start_new_session=True, stderr=subprocess.PIPE) as child:
        limit = time.monotonic() + 120
        while not there.exists() and time.monotonic() < limit:
            time.sleep(0.05)
        os.killpg(child.pid, signal.SIGINT)
        _, said = child.communicate(timeout=60)
    assert (child.returncode, said.decode().splitlines()[-1]) == (130, "interrupted")
    content, texts = _saved(project)
    assert content["status"] == "interrupted"
    assert "first\n" in texts
    assert processes_of(project.root) == []


@pytest.mark.skipif(sys.platform == "win32", reason="there a file where a folder should be is another error")
def test_a_folder_that_cannot_be_written_is_told_in_a_sentence(
    project: Layout, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write(project, "file", "")
    monkeypatch.setenv("WORKBENCH_RUNS", str(file / "runs"))
    assert cli.main(["run", "--notebook", BOOK]) == 1
    assert capsys.readouterr().err == (
        f"error: {file / 'runs'} cannot be written: Not a directory. Let this user write there, or set "
        "WORKBENCH_RUNS to a folder elsewhere.\n"
    )
    assert processes_of(project.root) == []


def test_any_number_of_jobs_and_two_commands_at_once_give_the_same_bytes(project: Layout) -> None:
    def outputs() -> dict[str, bytes]:
        files = [file for file in project.store.rglob("*") if file.is_file() and file.name != "manifest.json"]
        return {file.relative_to(project.store).as_posix(): file.read_bytes() for file in files}

    assert cli.main(["run", "--jobs", "1"]) == 0
    expected = outputs()
    assert len(expected) == 2
    for jobs in (["2"], ["4", "2"]):
        shutil.rmtree(project.runs)
        commands = [[*COMMAND, "run", "--jobs", number, "--json"] for number in jobs]
        running = [subprocess.Popen(words, cwd=project.root, stdout=subprocess.PIPE) for words in commands]
        contents = [json.loads(child.communicate()[0]) for child in running]
        assert outputs() == expected
        for content in contents:
            assert [step["step"] for step in content["steps"]] == ["count", "double"]
        files = project.runs.glob("2*/steps/*.json")
        records = [json.loads(file.read_text(encoding="utf-8")) for file in files]
        executed = [record["key"] for record in records if record["how"] == "executed"]
        assert sorted(executed) == sorted({name.partition("/")[0] for name in expected})


def test_a_rejection_is_told_to_ci_and_is_no_failure(
    project: Layout, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TF_BUILD", "True")
    count = project.src / "count.py"
    rejecting = "class GateRejected(Exception):\n    exit_code = 3\n\n\ndef main(argv=None):\n"
    rejecting += "    raise GateRejected('4 letters against 6')\n\n\ndef unused"
    count.write_text(count.read_text(encoding="utf-8").replace("def main", rejecting), encoding="utf-8")
    _book(project, "import core\ncore.use(use_case, environment)\ncore.count()")
    assert cli.main(["run", "--notebook", BOOK]) == 0
    said = capsys.readouterr()
    assert said.err.splitlines()[0].endswith("GateRejected: 4 letters against 6")
    (summary,) = project.runs.glob("2*/decision.md")
    assert said.out.splitlines()[-3:] == [
        "##vso[task.logissue type=warning]The gate rejected the model: 4 letters against 6",
        "##vso[task.setvariable variable=decision;isOutput=true]rejected",
        f"##vso[task.uploadsummary]{summary}",
    ]
    assert cli.main(["run", "--notebook", BOOK, "--json"]) == 3
    assert json.loads(capsys.readouterr().out)["status"] == "rejected"
