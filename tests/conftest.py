"""What holds for every test."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

# a busy machine is no mistake
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")

# the SDK waits up to 5 seconds between two looks at what the emulator finishes in a moment
LOOK_OFTEN = """
import sys, time
def sleep(seconds, original=time.sleep):
    polls = sys._getframe(1).f_globals.get("__name__", "").startswith("azureml")
    original(min(seconds, 0.2) if polls else seconds)
time.sleep = sleep
del sleep
"""
# threads that wait for each other on busy cores would burn them: a training took sixty times its CPU time
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
# compiled files are written, as on a person's machine
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
# a pipeline is told of a rejection and goes on: tests say themselves which system they are in
for _variable in ("TF_BUILD", "GITHUB_ACTIONS"):
    os.environ.pop(_variable, None)
LONG = ("test_container.py", "test_cluster.py")  # they wait for what they build and start
OF_SRC = {path.stem for path in (Path(__file__).parents[1] / "src").iterdir()}  # scripts and packages


def pytest_configure() -> None:
    """Let tests interrupt what they start: a shell's background job ignores the signal, and so would they."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes long, so that at the end no worker has it to itself."""
    items.sort(key=lambda item: item.path.name not in LONG)


@pytest.fixture(autouse=True)
def core_scripts_apart() -> Iterator[None]:
    """Give each test the modules of ``src`` that the test files imported.

    The engine forgets and loads them anew, as it must in a kernel that is open for hours; a class
    that a test file holds would then no longer be the one that is raised.
    """
    modules, path = {name: sys.modules[name] for name in _loaded()}, list(sys.path)
    yield
    sys.path[:] = path
    for name in _loaded():
        del sys.modules[name]
    sys.modules.update(modules)


def _loaded() -> list[str]:
    return [name for name in sys.modules if name.partition(".")[0] in OF_SRC]


@pytest.fixture(scope="session")
def emulator_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder where the session's emulator keeps its state."""
    return tmp_path_factory.mktemp("emulator")


@pytest.fixture(scope="session")
def emulator(emulator_folder: Path) -> Iterator[dict[str, str]]:
    """Start one emulator of Azure ML for the session; return the variables that lead the SDK to it."""
    from operation.emulator.server import started

    with started(emulator_folder) as variables:
        yield variables


@pytest.fixture(scope="session")
def run_with_emulator(emulator: dict[str, str]) -> Callable[..., str]:
    """Return a function that runs code in a child set up for the emulator and gives what it prints.

    More variables, and the folder to start in (``folder=``), are its named arguments.
    """

    def run(code: str, folder: Path | None = None, **more: str) -> str:
        done = subprocess.run(
            [sys.executable, "-c", LOOK_OFTEN + code],
            env={**os.environ, **emulator, **more},
            cwd=folder,
            capture_output=True,
            encoding="utf-8",
            check=False,
            timeout=900,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


@pytest.fixture(scope="session")
def answered(
    run_with_emulator: Callable[..., str], tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., dict[str, Any]]:
    """Return `run_with_emulator`, giving its last line parsed as JSON.

    It starts in a folder of its own, with the files that are given by name.
    """

    def run(code: str, files: Mapping[str, str] | None = None) -> dict[str, Any]:
        folder = tmp_path_factory.mktemp("answered")
        for name, text in (files or {}).items():
            path = folder / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        answers: dict[str, Any] = json.loads(run_with_emulator(code, folder=folder).splitlines()[-1])
        return answers

    return run


@pytest.fixture(scope="session")
def azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start the real blob server for the session; return the connection string of its account."""
    from tests.azurite import running

    with running(tmp_path_factory.mktemp("azurite")) as connection:
        yield connection
