"""What cannot be forked is executed by the stock engine, and a line says why."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from nbformat import from_dict

from operation.engine.notebooks.forked.suitable import why_not
from tests.operation.engine.notebooks.forked.behaviours import document
from tests.operation.engine.notebooks.forked.conftest import execute


def _reason(*cells: str, kernel: str = "python3", **options: Any) -> str | None:
    return why_not(from_dict(document(list(cells))), kernel, options)  # type: ignore[no-untyped-call]


@pytest.fixture
def kernels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of kernels that comes before the environment's."""
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    monkeypatch.delenv("JUPYTER_PREFER_ENV_PATH", raising=False)
    return tmp_path / "kernels"


def _kernel(folder: Path, name: str, language: str, *argv: str, **env: str) -> None:
    (folder / name).mkdir(parents=True)
    content = {
        "argv": [*argv, "-f", "{connection_file}"],
        "display_name": name,
        "language": language,
        "env": env,
    }
    (folder / name / "kernel.json").write_text(json.dumps(content), encoding="utf-8")


def test_an_ordinary_notebook_is_forked() -> None:
    assert _reason("import pandas as pd") is None


def test_other_kernels_are_not(kernels: Path) -> None:
    launcher = ("-m", "ipykernel_launcher")
    _kernel(kernels, "r", "R", "R", "--slave")
    _kernel(kernels, "own", "python", sys.executable, "-m", "own_kernel")
    _kernel(kernels, "other", "python", "/opt/python", *launcher)
    _kernel(kernels, "with-variables", "python", sys.executable, *launcher, SPARK_HOME="/spark")
    _kernel(kernels, "same", "python", sys.executable, *launcher)
    assert _reason("1", kernel="r") == "its kernel 'r' is not ipykernel"
    assert _reason("1", kernel="own") == "its kernel 'own' is not ipykernel"
    assert _reason("1", kernel="other") == "its kernel 'other' is another Python (/opt/python)"
    assert str(_reason("1", kernel="with-variables")).startswith(
        "its kernel 'with-variables' is another Python"
    )
    assert _reason("1", kernel="none") == "there is no kernel 'none' here that is known to be this Python"
    assert _reason("1", kernel="same") is None


def test_widgets_are_not() -> None:
    assert _reason("import ipywidgets") == "it uses ipywidgets, whose widgets talk to a kernel"
    assert (
        _reason("from tqdm.notebook import tqdm") == "it uses tqdm.notebook, whose widgets talk to a kernel"
    )


def test_a_profile_of_ones_own_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    assert _reason("1") is None
    startup = tmp_path / "profile_default" / "startup"
    startup.mkdir(parents=True)
    (startup / "README").touch()
    assert _reason("1") is None
    (startup / "first.py").touch()
    assert _reason("1") == f"{startup / 'first.py'} configures kernels"


def test_hooks_and_systems_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _reason("1", on_cell_start=print) == "the option on_cell_start is nbclient's"
    monkeypatch.setattr(sys, "platform", "darwin")
    assert _reason("1") == "on darwin a process with libraries in it cannot be forked safely"


def test_the_stock_engine_does_it_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    profile = tmp_path / "ipython"
    (profile / "profile_default" / "startup").mkdir(parents=True)
    (profile / "profile_default" / "startup" / "own.py").write_text("from_startup = 5", encoding="utf-8")
    monkeypatch.setenv("IPYTHONDIR", str(profile))
    found = execute(tmp_path, ["from_startup"], "workbench")
    assert found["notebook"]["cells"][1]["outputs"][0]["data"]["text/plain"] == ["5"]
    assert capsys.readouterr().err.startswith("executed by the stock engine: ")
