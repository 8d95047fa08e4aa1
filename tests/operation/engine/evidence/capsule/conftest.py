"""One failed run for all tests: a bug in src, data from outside, and canaries wherever they might leak."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote_plus

import pytest

from operation.engine.foundation.layout import Layout
from operation.engine.runs.request import Request, prepare
from operation.engine.runs.run import start
from tests.notebooks.conftest import alone
from tests.operation.engine import conftest as tiny_project
from tests.operation.engine.conftest import notebook, write

CANARIES = {"environment": "can4ry+environ/ment&1", "config": "can4ry of config.json?"}
LEAK = """
    import os, json, sys
    from base64 import b64encode
    from pathlib import Path
    from urllib.parse import quote_plus

    leaks = [os.environ["LEAKY_API_KEY"]]
    if Path("../config.json").exists():
        leaks.append(json.loads(Path("../config.json").read_text())["key"])
    for leak in leaks:
        print(leak, b64encode(leak.encode()).decode(), quote_plus(leak))
        print("user:", b64encode(f"user:{leak}".encode()).decode(), repr(leak), json.dumps([leak]))
        sys.__stderr__.write(leak)
    leaks
"""
TRAINING = """
    name: training
    dependencies:
      - python=3.11
      - pip:
          - one==1.0
"""


@dataclass(frozen=True)
class Failed:
    """A failed run.

    Parameters
    ----------
    layout : Layout
        The project that ran; its folder has another name by now.
    folder : Path
        The run's folder.
    capsule : Path
        Its capsule.
    """

    layout: Layout
    folder: Path
    capsule: Path


def spellings(canary: str) -> list[str]:
    """Return how a canary may be spelled in what leaks."""
    encoded = base64.b64encode(canary.encode()).decode()
    inner = base64.b64encode(f"user:{canary}".encode()).decode()[8:-4]
    return [canary, json.dumps(canary)[1:-1], quote_plus(canary), encoded.rstrip("="), inner]


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """A folder that all workers of this session share."""
    base = tmp_path_factory.getbasetemp()
    return base if worker_id == "master" else base.parent


@pytest.fixture(scope="session")
def failed(shared: Path) -> Failed:
    """Run, fail in ``src/double.py``, and move everything away, as another machine would have it."""
    base = shared / "capsule"
    with alone(shared, "capsule"):
        if not (base / "elsewhere").exists():
            _run_and_move(base)
    moved = Layout(base / "elsewhere")
    (capsule,) = moved.runs.glob("2*/capsule.zip")
    return Failed(moved, capsule.parent, capsule)


def _run_and_move(base: Path) -> None:
    base.mkdir()
    layout = _project(base / "ci", base / "outside.txt")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WORKBENCH_ROOT", str(layout.root))
        patch.setenv("PYTHONPATH", str(Path(__file__).resolve().parents[5]))
        patch.setenv("LEAKY_API_KEY", CANARIES["environment"])
        patch.setenv("FACTOR", "2")
        start(layout, prepare(layout, Request(notebooks=["02-double-count"])), lambda *_: None)
    (base / "outside.txt").unlink()
    layout.root.rename(base / "elsewhere")


def _project(root: Path, outside: Path) -> Layout:
    layout = Layout(root)
    outside.write_text("abc de", encoding="utf-8")
    double = tiny_project.DOUBLE.replace("if count == 0:", "if count == 10:").replace(
        '"nothing to double"', "f\"denied for {__import__('os').environ['LEAKY_API_KEY']}\""
    )
    use_case = tiny_project.USE_CASE.replace("data/text.txt", outside.as_posix())
    files = {
        "src/utils.py": tiny_project.SHARED,
        "src/count.py": tiny_project.COUNT,
        "src/words.py": tiny_project.WORDS,
        "src/double.py": double,
        "configuration/configuration-tiny.yml": use_case,
        "configuration/configuration-DEV.yml": tiny_project.ENVIRONMENT,
        "requirements.lock": "one==1.0\ntwo==2.0\n",
        "configuration/environments/training.yml": TRAINING,
        "config.json": json.dumps({"key": CANARIES["config"]}),
        "notebooks/core.py": _core(),
    }
    for name, text in files.items():
        write(layout, name, text)
    choice = 'use_case: str = "tiny"\nenvironment: str = "DEV"'
    book = notebook(
        choice, "import core\ncore.use(use_case)", LEAK, "kept = 41", "core.double()", "kept += 1"
    )
    for name in tiny_project.BOOKS:
        write(layout, f"notebooks/{name}.ipynb", json.dumps(book))
    return layout


def _core() -> str:
    return (Path(__file__).resolve().parents[5] / "notebooks" / "core.py").read_text(encoding="utf-8")


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Layout:
    """Another checkout in use, in which nothing has the bug."""
    layout = Layout(tmp_path / "clone")
    write(layout, "src/double.py", tiny_project.DOUBLE)
    write(layout, "src/utils.py", tiny_project.SHARED)
    write(layout, "configuration/configuration-DEV.yml", tiny_project.ENVIRONMENT)
    monkeypatch.setenv("WORKBENCH_ROOT", str(layout.root))
    monkeypatch.setenv("LEAKY_API_KEY", "another value here")
    monkeypatch.setenv("FACTOR", "7")
    return layout
