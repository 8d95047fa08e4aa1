"""A job's environment is this one where its packages fit, else one that is built and kept."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from operation.emulator.jobs.execution_environment import (
    BuildFailed,
    interpreter,
    python_version,
    requirements,
)


def asking(*lines: str, conda: tuple[str, ...] = ("python=3.11",)) -> dict[str, Any]:
    """Return a run configuration's environment that asks for packages."""
    return {"python": {"condaDependencies": {"dependencies": [*conda, {"pip": list(lines)}]}}}


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with one package, the only place where packages come from."""
    folder = tmp_path / "shelf"
    folder.mkdir()
    info = "tinything-1.2.dist-info"
    files = {
        "tinything.py": "SIZE = 1\n",
        f"{info}/METADATA": "Metadata-Version: 2.1\nName: tinything\nVersion: 1.2\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{name},,\n" for name in [*files, f"{info}/RECORD"])
    with zipfile.ZipFile(folder / "tinything-1.2-py3-none-any.whl", "w") as wheel:
        for name, text in {**files, f"{info}/RECORD": record}.items():
            wheel.writestr(name, text)
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    return tmp_path


def test_packages_that_are_here_need_nothing_built(tmp_path: Path) -> None:
    wanted = asking("azureml-defaults", f"numpy=={version('numpy')}", "pandas", conda=("python=3.8", "pip"))
    assert interpreter(wanted, tmp_path / "cache", tmp_path / "log") == Path(sys.executable)
    assert interpreter(None, tmp_path / "cache", tmp_path / "log") == Path(sys.executable)
    assert not (tmp_path / "cache").exists()


def test_a_team_that_manages_its_packages_itself_is_left_alone() -> None:
    assert requirements({"python": {"userManagedDependencies": True, **asking("x")["python"]}}) == []


def test_packages_of_conda_count_by_name_and_version() -> None:
    wanted = asking(
        "b==1", conda=("python=3.7.4", "pip=20.1", "numpy=1.16.2=py37", "conda-forge::scipy", "pandas")
    )
    assert requirements(wanted) == ["numpy==1.16.2", "scipy", "pandas", "b==1"]
    assert python_version(wanted) == "3.7"


def test_a_package_that_is_not_here_is_installed_in_an_environment_that_is_kept(shelf: Path) -> None:
    wanted, cache, log = asking("tinything==1.2"), shelf / "cache", shelf / "log.txt"
    python = interpreter(wanted, cache, log)
    words = [str(python), "-c", "import tinything, sys; print(tinything.SIZE, sys.prefix)"]
    said = subprocess.run(words, capture_output=True, encoding="utf-8", check=True).stdout
    assert said.split() == ["1", str(python.parents[1])]
    assert "tinything" in log.read_text(encoding="utf-8")
    log.unlink()
    assert interpreter(wanted, cache, log) == python
    assert not log.exists()


def test_a_package_that_nobody_has_is_named(shelf: Path) -> None:
    with pytest.raises(
        BuildFailed, match=r"^the job's environment \(nothing-such==9\) cannot be had: .*nothing-such"
    ):
        interpreter(asking("nothing-such==9"), shelf / "cache", shelf / "log.txt")
