"""Faults of the world: kills, two runs at once, full and read-only disks, damaged files.

``WORKBENCH_KILLS=100`` asks for more kills; the moments are random, and no outcome may depend on them.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from operation import cli
from operation.engine import configuration
from operation.engine.foundation.layout import Layout
from operation.engine.foundation.manifest import read
from operation.engine.identity.digests import file_digest
from operation.engine.steps.runners import in_process
from operation.engine.steps.session import Session
from tests.operation.engine.conftest import write

KILLS = int(os.environ.get("WORKBENCH_KILLS", "8"))
COMMAND = [sys.executable, "-c", "import sys; from operation.cli import main; sys.exit(main(sys.argv[1:]))"]
SLOWLY = """
    for part in range(15):
        (folder / f"part-{part}.txt").write_text("x" * 5000)
        __import__("time").sleep(0.01)
"""
_WRONG: dict[str, dict[str, Any]] = {
    "manifest": {},
    "listing": {"outputs": 3},
    "metric": {"metrics": {"letters": 6.0}},
}
Contents = dict[str, dict[str, str]]


@pytest.fixture
def slow(tiny: Layout) -> Layout:
    """The tiny project; its first step takes 0.15 s to write 16 files."""
    script = tiny.src / "count.py"
    script.write_text(script.read_text().replace("    folder.mkdir()\n", "    folder.mkdir()\n" + SLOWLY[1:]))
    return tiny


def _start(layout: Layout, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*COMMAND, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=layout.root,
        start_new_session=os.name == "posix",
    )


def _contents(layout: Layout) -> Contents:
    """Return key -> file -> digest of all that is in the store, every byte of it read now."""
    folders = [one for one in layout.store.glob("*") if one.name != ".partial"]
    return {
        folder.name: {
            one.relative_to(folder).as_posix(): file_digest(one)
            for one in folder.rglob("*")
            if one.is_file() and one != folder / "manifest.json"
        }
        for folder in folders
    }


def _complete(layout: Layout) -> Contents:
    """Execute both steps, in this process, and return what is then in the store."""
    Session(configuration.load(layout=layout), layout, in_process).step("double")
    return _contents(layout)


def _empty(layout: Layout) -> None:
    shutil.rmtree(layout.store)


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL is a POSIX matter")
def test_a_kill_at_any_moment_leaves_nothing_that_looks_finished(slow: Layout) -> None:
    expected = _complete(slow)
    clock = time.perf_counter()
    _empty(slow)
    assert _start(slow, "step", "double").wait() == 0
    whole = time.perf_counter() - clock
    assert _contents(slow) == expected
    killed = 0
    for _ in range(KILLS):
        _empty(slow)
        running = _start(slow, "step", "double")
        time.sleep(random.uniform(0.2, 1) * whole)
        (os.killpg if random.random() < 0.5 else os.kill)(running.pid, signal.SIGKILL)
        killed += running.wait() == -signal.SIGKILL
        found = _contents(slow)
        assert found == {key: expected[key] for key in found}
        slow.store.mkdir(exist_ok=True)
        completed = _complete(slow)
        assert completed == expected
    print(f"{killed} of {KILLS} were killed before they ended")
    assert killed > KILLS // 4


def test_runs_at_once_give_one_content(slow: Layout) -> None:
    expected = _complete(slow)
    _empty(slow)
    running = [_start(slow, "step", "double") for _ in range(3)]
    assert [one.communicate()[1] for one in running] == [""] * 3
    assert [one.returncode for one in running] == [0] * 3
    assert _contents(slow) == expected
    assert list((slow.store / ".partial").iterdir()) == []


@pytest.mark.parametrize("damage", ["flip", "truncate", "remove", "manifest", "listing", "metric"])
def test_what_is_damaged_is_executed_again(tiny: Layout, damage: str) -> None:
    expected = _complete(tiny)
    entry = _entry(tiny, "count")
    file = entry / "result" / "metrics.json"
    content = file.read_bytes()
    if damage == "flip":
        file.write_bytes(content[:5] + bytes([content[5] ^ 1]) + content[6:])
    elif damage == "truncate":
        file.write_bytes(content[:-1])
    elif damage == "remove":
        shutil.rmtree(entry / "result")
    else:
        record = _WRONG[damage]
        kept = read(entry / "manifest.json") or {}
        (entry / "manifest.json").write_text(json.dumps({**kept, **record}) if record else "{")
    done = Session(configuration.load(layout=tiny), tiny, in_process).step("count")
    assert done.how == "executed"
    assert _contents(tiny) == expected


def _entry(layout: Layout, step: str) -> Path:
    return next(
        one for one in layout.store.iterdir() if (read(one / "manifest.json") or {}).get("step") == step
    )


@pytest.mark.parametrize("name", ["digests.db", "history/tiny.DEV.count.jsonl"])
@pytest.mark.parametrize("content", [b"", b"\xff\x00 no such thing" * 100, b'{"step": "count"}\n[]\n{"st'])
def test_a_damaged_memory_stops_nobody(
    tiny: Layout, name: str, content: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    expected = _complete(tiny)
    (tiny.runs / name).write_bytes(content)
    assert cli.main(["why", "count"]) == 0
    assert cli.main(["step", "double"]) == 0
    assert "double reused" in capsys.readouterr().out
    assert cli.main(["why", "count"]) == 0
    assert "reused" in capsys.readouterr().out
    assert _contents(tiny) == expected


ON_A_DISK_OF_ITS_OWN = """
disk=$1; options=$2; mend=$3; shift 3
mount -t tmpfs -o "$options" none "$disk" || exit 99
"$@"; code=$?
ls "$disk/store" 2>/dev/null | grep -v .partial
[ "$code" = 1 ] || exit 98
mount -o "remount,$mend" "$disk" && "$@"
"""


@pytest.mark.parametrize(
    ("options", "mend", "said"),
    [
        (
            "size=1m,ro",
            "rw",
            "error: {runs}{below} cannot be written: Read-only file system. Let this user write there, "
            "or set WORKBENCH_RUNS to a folder elsewhere.",
        ),
        (
            "nr_inodes=2",
            "nr_inodes=1000",
            "error: no space left for {runs}{below}: free some, for example with "
            "`python3 -m operation clean`, or set WORKBENCH_RUNS to a folder elsewhere.",
        ),
        (
            "nr_inodes=7",
            "nr_inodes=1000",
            "error: no space left for {runs}{below}: free some, for example with "
            "`python3 -m operation clean`, or set WORKBENCH_RUNS to a folder elsewhere.",
        ),
        ("size=40k", "size=1m", "error: src/count.py:{line}: OSError: [Errno 28] No space left on device"),
    ],
)
def test_a_disk_that_refuses_is_told_in_a_sentence_and_leaves_nothing(
    slow: Layout, options: str, mend: str, said: str
) -> None:
    slow.runs.mkdir()
    words = [str(slow.runs), options, mend, *COMMAND, "step", "double"]
    done = _unshared(["sh", "-c", ON_A_DISK_OF_ITS_OWN, "sh", *words])
    lines = (slow.src / "count.py").read_text().splitlines()
    line = 1 + next(index for index, one in enumerate(lines) if "part-{part}" in one)
    expected = {said.format(runs=slow.runs, below=below, line=line) for below in ("", "/store")}
    errors = [line for line in done.stderr.splitlines() if not line.startswith("warning: ")]
    assert errors[0] in expected
    assert done.returncode == 0, done
    assert "  doubled                      10\n" in done.stdout
    assert done.stdout.splitlines()[-1].startswith("double executed")


def _unshared(command: list[str]) -> subprocess.CompletedProcess[str]:
    """Run a command that may mount, or skip where that is not permitted."""
    reason = "no unshare on this machine"
    if shutil.which("unshare"):
        namespace = ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--map-root-user"])]
        done = subprocess.run([*namespace, *command], capture_output=True, text=True, check=False, timeout=60)
        if "unshare failed" not in done.stderr and done.returncode != 99:
            return done
        reason = f"a disk cannot be mounted here: {done.stderr.strip()}"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.mark.parametrize(
    ("process", "hours", "kept"), [("gone", 2, False), ("gone", 0.5, True), ("alive", 2, True)]
)
@pytest.mark.skipif(os.name == "nt", reason="there the age alone decides")
def test_what_a_killed_process_left_is_removed_at_the_next_execution(
    tiny: Layout, process: str, hours: float, kept: bool
) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    pid = gone.pid if process == "gone" else os.getpid()
    left = write(tiny, f"runs/store/.partial/{'k' * 16}-{pid}-abcd/table/a.txt", "half").parents[1]
    for one in [left, *left.rglob("*")]:
        os.utime(one, (time.time() - hours * 3600,) * 2)
    _complete(tiny)
    assert left.exists() is kept
