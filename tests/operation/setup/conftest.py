"""A project of two tiny packages, so that a real set-up from a real lock takes seconds."""

from __future__ import annotations

import base64
import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
UV = metadata.version("uv")
BACKEND = (
    "hatchling",
    "packaging",
    "pathspec",
    "pluggy",
    "tomlkit",
    "trove-classifiers",
)  # builds the editable


def write_wheel(folder: Path, name: str, version: str, files: dict[str, bytes]) -> Path:
    """Write a wheel of `files` (path in the wheel -> content); equal input gives equal bytes."""
    info = f"{name}-{version}.dist-info"
    content = {
        **files,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{path},sha256={_digest(data)},{len(data)}\n" for path, data in content.items())
    content[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n".encode()
    wheel = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_STORED) as archive:
        for path, data in content.items():
            entry = zipfile.ZipInfo(path)
            entry.external_attr = 0o100755 << 16  # a regular file that may be executed
            archive.writestr(entry, data)
    return wheel


def lock_entry(wheel: Path) -> str:
    name, version = wheel.name.removesuffix(".tar.gz").split("-")[:2]
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    return f"{name.replace('_', '-')}=={version} \\\n    --hash=sha256:{digest}\n"


def _digest(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


@dataclass
class Project:
    """A copy of the workbench with a lock of its own and a folder of wheels as its only index."""

    root: Path
    wheels: Path
    environment: dict[str, str]
    backend: list[Path]

    @property
    def python(self) -> Path:
        return self.root / ".venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")

    def call(
        self, *words: str, python: str | None = None, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [python or base_python(), "-m", "operation", *words],
            cwd=self.root,
            env={**self.environment, **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            check=False,
        )

    def start(self, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [base_python(), "-m", "operation", *words],
            cwd=self.root,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            start_new_session=True,
        )

    def lock(self, *wheels: Path) -> None:
        text = "".join(lock_entry(wheel) for wheel in [*self.backend, *wheels])
        (self.root / "requirements.lock").write_text(text, encoding="utf-8")

    def wheel(self, name: str, version: str, content: bytes = b"value = 1\n") -> Path:
        return write_wheel(self.wheels, name, version, {f"{name}.py": content})

    def installed(self) -> dict[str, str]:
        """Return the packages of .venv that are not venv's own, nor written by set-up itself."""
        words = "import importlib.metadata as m; print([(d.name, d.version) for d in m.distributions()])"
        answer = subprocess.run(
            [self.python, "-I", "-c", words], capture_output=True, encoding="utf-8", check=True
        )
        found: dict[str, str] = dict(eval(answer.stdout))
        return {
            name: version
            for name, version in found.items()
            if name.replace("_", "-") not in ("pip", "setuptools", "workbench", *BACKEND)
        }


def base_python() -> str:
    return str(getattr(sys, "_base_executable", sys.executable))


@pytest.fixture(scope="session")
def real_uv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The installed uv, packed as a wheel again: a set-up needs no network then."""
    name = "uv.exe" if os.name == "nt" else "uv"
    binary = next(file for file in metadata.files("uv") or [] if file.name == name)
    content = Path(str(binary.locate())).read_bytes()
    folder = tmp_path_factory.mktemp("uv")
    return write_wheel(folder, "uv", UV, {f"uv-{UV}.data/scripts/{name}": content})


@pytest.fixture(scope="session")
def backend(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The installed build backend, packed as wheels again."""
    folder = tmp_path_factory.mktemp("backend")
    return [_packed_again(folder, name) for name in BACKEND]


def _packed_again(folder: Path, name: str) -> Path:
    files = {
        file.as_posix(): Path(str(file.locate())).read_bytes()
        for file in metadata.files(name) or []
        if not file.as_posix().startswith("..")
        and file.suffix != ".pyc"
        and ".dist-info" not in file.as_posix()
    }
    return write_wheel(folder, name.replace("-", "_"), metadata.version(name), files)


@pytest.fixture
def project(tmp_path: Path, backend: list[Path]) -> Iterator[Project]:
    root, wheels = tmp_path / "project", tmp_path / "wheels"
    wheels.mkdir()
    copy_workbench(root)
    copied = [Path(shutil.copy(wheel, wheels)) for wheel in backend]
    yield Project(root, wheels, variables(tmp_path, wheels), copied)
    shutil.rmtree(root / ".venv", ignore_errors=True)


@pytest.fixture(scope="session")
def empty_venv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment with pip: making one takes three seconds, a copy a tenth of that."""
    folder = tmp_path_factory.mktemp("venv") / ".venv"
    subprocess.run([base_python(), "-I", "-m", "venv", str(folder)], check=True)
    return folder


@pytest.fixture
def started(project: Project, empty_venv: Path) -> Project:
    """The project with an environment that its owner made and left empty."""
    shutil.copytree(empty_venv, project.root / ".venv", symlinks=True)
    return project


@pytest.fixture
def ready_uv(project: Project, real_uv: Path) -> Path:
    """The wheel of the real uv, in the project's folder of wheels."""
    return Path(shutil.copy(real_uv, project.wheels))


def copy_workbench(root: Path) -> None:
    ignored: Callable[[str, list[str]], set[str]] = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "operation", root / "operation", ignore=ignored)
    shutil.copy(ROOT / "pyproject.toml", root)


def variables(tmp_path: Path, wheels: Path) -> dict[str, str]:
    """This environment without what would reach a network or another environment."""
    prefixes = ("PIP_", "UV_", "CONDA", "VIRTUAL_ENV", "WORKBENCH_", "PYTHON")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(prefixes)}
    return {
        **kept,
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(wheels),
        "UV_CACHE_DIR": str(tmp_path / "cache"),
        "WORKBENCH_PYTHON": "venv",
    }
