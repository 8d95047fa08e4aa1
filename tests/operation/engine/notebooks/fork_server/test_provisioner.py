"""What cannot be forked is started as ever, and a line says why."""

from __future__ import annotations

import ast
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from nbclient import NotebookClient
from nbformat import from_dict

from operation.engine.notebooks.execution import execute as run_notebook
from operation.engine.notebooks.fork_server.client import ForkServer
from operation.engine.notebooks.fork_server.managers import ForkingSpecs
from operation.engine.notebooks.fork_server.provisioner import NAME, why_not
from operation.setup.environment import Environment
from tests.operation.engine.notebooks.fork_server.behaviours import document
from tests.operation.engine.notebooks.fork_server.conftest import execute

LOCAL = {"kernel_provisioner": {"provisioner_name": "local-provisioner"}}
IPYKERNEL = ("-m", "ipykernel_launcher", "-f", "{connection_file}")


def _reason(*cmd: str, folder: Path | None = None, **variables: str) -> str | None:
    words = cmd or (sys.executable, *IPYKERNEL)
    return why_not(words, {"env": {**os.environ, **variables}, "cwd": folder}, None)


@pytest.fixture
def kernels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of kernels that comes before the environment's."""
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    monkeypatch.delenv("JUPYTER_PREFER_ENV_PATH", raising=False)
    return tmp_path / "kernels"


def _kernel(folder: Path, name: str, language: str, *argv: str, **more: Any) -> None:
    (folder / name).mkdir(parents=True)
    content = {"argv": list(argv), "display_name": name, "language": language, **more}
    (folder / name / "kernel.json").write_text(json.dumps(content), encoding="utf-8")


def test_this_python_s_kernel_is_forked() -> None:
    assert _reason() is None


def test_others_are_started() -> None:
    assert _reason("R", "--slave") == "it is not ipykernel, or has options of Python"
    assert _reason(sys.executable, "-X", "dev", *IPYKERNEL) == "it is not ipykernel, or has options of Python"
    assert _reason("/opt/python", *IPYKERNEL) == "it is another Python (/opt/python)"


def test_what_libraries_read_when_they_are_imported_must_be_the_same() -> None:
    for name in ("OMP_NUM_THREADS", "PYTHONWARNINGS", "MPLCONFIGDIR"):
        reason = _reason(folder=None, **{name: "another"})
        assert reason == f"libraries read {name} when they are imported, and it is another"
    assert _reason(SPARK_HOME="/spark") is None


@pytest.mark.parametrize("name", ["numpy.py", "pandas/__init__.py", "matplotlibrc"])
def test_what_lies_beside_the_notebook_wins(tmp_path: Path, name: str) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).touch()
    assert str(_reason(folder=tmp_path)).startswith(str(tmp_path))


def test_only_linux_forks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert _reason() == "on darwin a process with libraries in it cannot be forked safely"


def test_only_ipykernel_gets_the_provisioner(kernels: Path) -> None:
    _kernel(kernels, "r", "R", "R", "--slave")
    _kernel(kernels, "theirs", "python", *IPYKERNEL, metadata=LOCAL)
    _kernel(kernels, "same", "python", sys.executable, *IPYKERNEL)
    specs = ForkingSpecs(kernel_dirs=[str(kernels)])
    found = {
        name: specs.get_kernel_spec(name).metadata.get("kernel_provisioner", {}).get("provisioner_name")
        for name in ("r", "theirs", "same")
    }
    assert found == {"r": None, "theirs": "local-provisioner", "same": NAME}


def test_a_kernel_that_is_started_does_the_work_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], kernels: Path
) -> None:
    _kernel(kernels, "python3", "python", sys.executable, *IPYKERNEL, env={"PYTHONVERBOSE": ""})
    found = execute(tmp_path, ["40 + 2"], "workbench", kernel_name="python3")
    assert found["notebook"]["cells"][1]["outputs"][0]["data"]["text/plain"] == ["42"]
    assert "this kernel is started, not forked: libraries read PYTHONVERBOSE" in capfd.readouterr().err


def test_the_user_s_own_profile_is_the_kernel_s(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    startup = tmp_path / "ipython" / "profile_default" / "startup"
    startup.mkdir(parents=True)
    (startup / "own.py").write_text("from_startup = 5", encoding="utf-8")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    found = execute(tmp_path, ["from_startup"], "workbench")
    assert found["notebook"]["cells"][1]["outputs"][0]["data"]["text/plain"] == ["5"]


@pytest.mark.skipif(not Environment().is_running(), reason="this Python is not the project's own")
def test_any_client_of_jupyter_may_ask_for_the_warm_kernel(tmp_path: Path) -> None:
    notebook = from_dict(document(["import os\nopen(f'/proc/{os.getppid()}/cmdline').read()"]))  # type: ignore[no-untyped-call]
    NotebookClient(notebook, kernel_name="python-warm").execute()
    assert "fork_server" in notebook.cells[1].outputs[0]["data"]["text/plain"]


WHO = "import os\nos.getpid(), os.environ.get('OWN')"


def _who(folder: Path, own: str, server: ForkServer) -> tuple[int, str]:
    """Execute a notebook that says which process it is in, and its own variable."""
    source = folder / "in.ipynb"
    source.write_text(json.dumps(document([WHO])), encoding="utf-8")
    executed = run_notebook(
        source, folder / "out.ipynb", {}, {"OWN": own}, lambda *_: None, fork_server=server
    )
    assert executed.error is None
    pid, said = ast.literal_eval("".join(executed.document["cells"][-1]["outputs"][0]["data"]["text/plain"]))
    return pid, said


def test_a_kernel_that_was_started_ahead_executes_the_next_notebook(tmp_path: Path) -> None:
    with ForkServer(os.environ) as server:
        server.start_ahead({"OWN": "first"}, tmp_path, tmp_path / "unknown.log")
        assert not (tmp_path / "unknown.log").exists(), "nothing is known yet of how kernels are started"
        _who(tmp_path, "first", server)
        server.start_ahead({"OWN": "second"}, tmp_path, tmp_path / "ahead.log")
        (ahead,) = server._ahead
        assert len(ahead[1]["key"]) == 64, "its messages are signed"
        pid, said = _who(tmp_path, "second", server)
        assert (pid, said) == (ahead[2].pid, "second")


def test_a_kernel_that_was_started_ahead_for_another_notebook_waits_for_it(tmp_path: Path) -> None:
    with ForkServer(os.environ) as server:
        _who(tmp_path, "first", server)
        server.start_ahead({"OWN": "other"}, tmp_path, tmp_path / "ahead.log")
        (ahead,) = server._ahead
        pid, said = _who(tmp_path, "second", server)
        assert (said, server._ahead) == ("second", [ahead])
        other, said = _who(tmp_path, "other", server)
        assert (other, said) == (ahead[2].pid, "other")
        assert pid != other
