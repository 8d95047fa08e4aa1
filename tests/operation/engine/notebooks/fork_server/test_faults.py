"""Whatever a notebook does: what it gave so far is saved, the error says where, nothing is left running."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]
import pytest

from operation.engine.notebooks.fork_server.client import ROOT, ForkServer
from operation.engine.notebooks.limits import Limits
from tests.operation.engine.notebooks.fork_server.conftest import execute
from tests.processes import processes_of

MORE = """
import os, time
most = len(os.listdir("/proc")) + 8
if os.fork() == 0:
    while True:
        time.sleep(0.01)
        if len(os.listdir("/proc")) < most:
            os.fork()
"""
FIRST = "kept = 41\nprint('begun')\nkept + 1"


@pytest.fixture
def forks(fork_server: ForkServer) -> Iterator[ForkServer]:
    """The process that notebooks are forked from; at the end of a test it has no descendant left."""
    yield fork_server
    assert psutil.Process(fork_server.number).children() == []


@pytest.fixture
def cookie(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A variable that everything a command starts inherits; at the end nothing that has it is running."""
    value = secrets.token_hex(8)
    monkeypatch.setenv("WORKBENCH_TEST_COOKIE", value)
    yield value
    deadline = time.monotonic() + 5
    while processes_of(value) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert processes_of(value) == []


def outputs(found: dict[str, Any]) -> list[list[dict[str, Any]]]:
    cells = found["notebook"]["cells"]
    return [one["outputs"] for one in cells if one["cell_type"] == "code"]


def printed(found: dict[str, Any], cell: int) -> str:
    return "".join("".join(one.get("text", "")) for one in outputs(found)[cell])


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("import os\nos._exit(9)", "ended by itself with exit code 9"),
        (
            "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)",
            "was ended by SIGKILL: it was killed from outside, as the system does when memory runs out",
        ),
        (
            "import ctypes\nctypes.string_at(0)",
            "was ended by SIGSEGV: compiled code read or wrote memory that is not its own",
        ),
        ("import os\nos.abort()", "was ended by SIGABRT: compiled code gave up"),
        (
            "import threading, os\nthreading.Thread(target=os._exit, args=(5,)).start()\nwhile True: pass",
            "code 5",
        ),
    ],
    ids=["exit", "kill", "segmentation fault", "abort", "exit in a thread"],
)
def test_a_process_that_ends_is_told_with_its_cell(
    tmp_path: Path, forks: ForkServer, code: str, said: str
) -> None:
    found = execute(tmp_path, [FIRST, code, "print('never')"], "workbench")
    assert type(found["raised"]).__name__ == "DeadKernelError"
    assert said in str(found["raised"])
    assert "in cell In [2]" in str(found["raised"])
    assert outputs(found)[0][1]["data"]["text/plain"] == ["42"]
    states = [one["metadata"]["papermill"]["status"] for one in found["notebook"]["cells"]]
    assert states == ["completed", "completed", "failed", "pending"]
    assert outputs(found)[2] == []


def test_the_stack_of_a_crash_is_in_the_notebook(tmp_path: Path, forks: ForkServer) -> None:
    found = execute(tmp_path, ["import ctypes\n\n\nctypes.string_at(0)"], "workbench", fork_server=forks)
    assert "Fatal Python error: Segmentation fault" in printed(found, 0)
    assert "line 4 in <module>" in printed(found, 0)


@pytest.mark.parametrize(
    "code",
    ["while True:\n    pass", "import time\ntime.sleep(60)", "import asyncio\nawait asyncio.sleep(60)"],
    ids=["loop", "sleep", "await"],
)
def test_a_cell_that_takes_too_long_is_interrupted_and_says_where(
    tmp_path: Path, forks: ForkServer, code: str
) -> None:
    cells = [FIRST, f"print('half')\n{code}", "print('never')"]
    found = execute(tmp_path, cells, "workbench", fork_server=forks, limits=Limits(cell=0.5))
    assert type(found["raised"]).__name__ == "CellTimeoutError"
    assert str(found["raised"]).startswith(
        "A cell timed out while it was being executed, after 0.5 seconds.\n"
        "The message was: Cell execution timed out, in cell In [2]."
    )
    assert printed(found, 1) == "half\n"
    assert outputs(found)[1][-1]["ename"] in {"KeyboardInterrupt", "CancelledError"}


def test_a_cell_that_cannot_be_interrupted_is_killed(tmp_path: Path, forks: ForkServer) -> None:
    code = "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nprint('deaf')\nwhile True: pass"
    begin = time.monotonic()
    found = execute(tmp_path, [FIRST, code], "workbench", fork_server=forks, limits=Limits(cell=0.3))
    assert "after 0.3 seconds" in str(found["raised"])
    assert printed(found, 1) == "deaf\n"
    assert time.monotonic() - begin < 30


def test_a_notebook_has_a_limit_of_its_own(tmp_path: Path, forks: ForkServer) -> None:
    cells = ["import time\ntime.sleep(.1)", *["time.sleep(.3)"] * 9]
    found = execute(tmp_path, cells, "workbench", fork_server=forks, limits=Limits(run=1.0))
    assert str(found["raised"]).startswith("The notebook took longer than its 1 seconds.\n")
    states = [one["metadata"]["papermill"]["status"] for one in found["notebook"]["cells"]]
    assert states[:3] == ["completed"] * 3
    assert "failed" in states


def test_papermills_own_option_for_the_time_of_a_cell_holds(tmp_path: Path, forks: ForkServer) -> None:
    found = execute(tmp_path, ["while True: pass"], "workbench", fork_server=forks, execution_timeout=1)
    assert "after 1 seconds" in str(found["raised"])


def test_memory_that_is_too_much_is_an_error_at_its_line(tmp_path: Path, forks: ForkServer) -> None:
    cells = [FIRST, "much = []\nfor n in range(100):\n    much.append(bytearray(20_000_000))"]
    found = execute(tmp_path, cells, "workbench", fork_server=forks, limits=Limits(memory=200_000_000))
    assert (found["raised"].ename, found["raised"].exec_count) == ("MemoryError", 2)
    assert "line 3" in "".join(outputs(found)[1][0]["traceback"])


def test_a_flood_of_bytes_arrives_whole(tmp_path: Path, forks: ForkServer) -> None:
    code = "import sys\nfor n in range(100):\n    sys.stdout.write('x' * 999_999 + '\\n')\nn"
    found = execute(tmp_path, [code], "workbench", fork_server=forks)
    assert found["raised"] is None
    assert len(printed(found, 0)) == 100_000_000
    assert outputs(found)[0][-1]["data"]["text/plain"] == ["99"]


def test_a_million_lines_arrive_in_order(tmp_path: Path, forks: ForkServer) -> None:
    found = execute(tmp_path, ["for n in range(1_000_000): print(n)"], "workbench", fork_server=forks)
    assert found["raised"] is None
    assert printed(found, 0) == "".join(f"{n}\n" for n in range(1_000_000))


def test_a_flood_from_a_child_between_displays_arrives_whole(tmp_path: Path, forks: ForkServer) -> None:
    child = "head -c 300000 /dev/zero | tr '\\0' 'y'"
    code = f"import os\nfor n in range(3):\n    os.system({child!r})\n    display(n)"
    found = execute(tmp_path, [code], "workbench", fork_server=forks)
    kinds = [one["output_type"] for one in outputs(found)[0]]
    assert kinds.count("display_data") == 3
    assert len(printed(found, 0)) == 900_000


@pytest.mark.parametrize(
    "code",
    [
        "import subprocess\nsubprocess.Popen(['sleep', '600'])",
        "import subprocess\nsubprocess.Popen(['sleep', '600'], start_new_session=True)",
        "import os\nos.system('setsid sleep 600 & setsid sh -c \"sleep 601 & sleep 602\" &')",
        MORE,
        "import multiprocessing as m, time\nm.Process(target=time.sleep, args=(600,)).start()",
        "import threading, time\nthreading.Thread(target=time.sleep, args=(600,), daemon=True).start()",
    ],
    ids=["child", "session of its own", "daemon", "ever more", "forked", "thread"],
)
def test_nothing_that_a_notebook_started_outlives_it(tmp_path: Path, forks: ForkServer, code: str) -> None:
    assert execute(tmp_path, [code, "1 / 0"], "workbench", fork_server=forks)["raised"]


@pytest.mark.parametrize("end", ["print('end')", "import os\nos._exit(3)"])
def test_nothing_outlives_a_notebook_that_ends_otherwise(tmp_path: Path, forks: ForkServer, end: str) -> None:
    both = "for new in (False, True): subprocess.Popen(['sleep', '600'], start_new_session=new)"
    found = execute(tmp_path, [f"import subprocess\n{both}", end], "workbench", fork_server=forks)
    assert (found["raised"] is None) == (end == "print('end')")


def test_a_thread_that_never_ends_is_not_waited_for_long(tmp_path: Path, forks: ForkServer) -> None:
    begin = time.monotonic()
    code = "import threading, time\nthreading.Thread(target=time.sleep, args=(600,)).start()"
    assert execute(tmp_path, [code], "workbench", fork_server=forks)["raised"] is None
    assert time.monotonic() - begin < 30


def test_exit_functions_run(tmp_path: Path, forks: ForkServer) -> None:
    code = "import atexit, pathlib\natexit.register(pathlib.Path('ended').touch)"
    execute(tmp_path, [code], "workbench", fork_server=forks)
    assert (tmp_path / "ended").exists()


DRIVER = """
import sys
from pathlib import Path
sys.path.insert(0, {root!r})
from tests.operation.engine.notebooks.fork_server.conftest import execute
from tests.processes import processes_of
code = "from pathlib import Path; Path('there').touch(); import time; time.sleep(600)"
execute(Path({folder!r}), [{first!r}, code], "workbench")
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL, signal.SIGTERM])
def test_when_the_driver_is_stopped_the_notebook_is_saved_and_nothing_runs_on(
    tmp_path: Path, cookie: str, number: signal.Signals
) -> None:
    code = DRIVER.format(root=str(ROOT), folder=str(tmp_path), first=FIRST)
    driver = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, start_new_session=True)
    deadline = time.monotonic() + 60
    while not (tmp_path / "there").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    os.kill(driver.pid, number)
    driver.communicate(timeout=30)
    saved = (tmp_path / "out.ipynb").read_text(encoding="utf-8")
    assert '"42"' in saved
    assert ('"status": "failed"' if number == signal.SIGINT else '"status": "running"') in saved


def test_a_template_that_is_killed_is_a_dead_kernel(tmp_path: Path, cookie: str) -> None:
    code = "import os, signal, time\nos.kill(os.getppid(), signal.SIGKILL)\ntime.sleep(60)"
    found = execute(tmp_path, [FIRST, code], "workbench")
    assert type(found["raised"]).__name__ == "DeadKernelError"


def test_random_numbers_differ_between_notebooks_of_one_template(tmp_path: Path, forks: ForkServer) -> None:
    code = "import random, numpy as np\nprint(random.random(), np.random.rand())"
    found = [execute(tmp_path, [code], "workbench", fork_server=forks) for _ in range(2)]
    first, second = (printed(one, 0).split() for one in found)
    assert not set(first) & set(second)


def test_notebooks_of_one_template_share_nothing(tmp_path: Path, forks: ForkServer) -> None:
    execute(
        tmp_path,
        ["import os, sys, json\nos.environ['A'] = 'b'\njson.x = 1\nsys.path.append('p')\nv = 1"],
        "workbench",
        fork_server=forks,
    )
    code = "import os, sys, json\nos.environ.get('A'), hasattr(json, 'x'), 'p' in sys.path, 'v' in globals()"
    found = execute(tmp_path, [code], "workbench", fork_server=forks)
    assert outputs(found)[0][0]["data"]["text/plain"] == ["(None, False, False, False)"]


def test_what_a_notebook_imports_is_there_for_the_next_but_not_the_user_s_own(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("value = 1", encoding="utf-8")
    seen = "import sys\n'mine' in sys.modules, 'pyarrow' in sys.modules"
    with ForkServer(os.environ) as fork_server:
        fork_server.learns = True
        execute(tmp_path, ["import mine, pyarrow"], "workbench", fork_server=fork_server)
        fork_server.wait()
        found = execute(tmp_path, [seen], "workbench", fork_server=fork_server)
    assert outputs(found)[0][0]["data"]["text/plain"] == ["(False, True)"]


def test_what_is_imported_before_a_fork_says_nothing(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """What a library prints or warns of when it is imported belongs to the cell that imports it."""
    code = "import joblib, matplotlib.pyplot, pandas, pyarrow.parquet, pydantic, scipy.stats, yaml\n"
    code += "import sklearn.ensemble, sklearn.inspection, sklearn.metrics, sklearn.pipeline\n"
    with (
        pytest.MonkeyPatch.context() as patch,
        ForkServer({**os.environ, "PYTHONWARNINGS": "default"}) as server,
    ):
        patch.setenv("PYTHONWARNINGS", "default")
        server.learns = True
        found = execute(tmp_path, [code + "matplotlib.pyplot.plot([1]);"], "workbench", fork_server=server)
        server.wait()
    assert found["raised"] is None
    said = capfd.readouterr().err
    assert "Warning:" not in said, said
    assert not [one for one in outputs(found)[0] if one.get("name")]
