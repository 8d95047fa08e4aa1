"""The interpreter for a job's environment: this one where its packages fit, else one built for it."""

import hashlib
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from operation.setup.indexes import installer_environment, pip_settings, uv_options

_LOCK = threading.Lock()
# names of the SDK's that stand for others: the parts that a script imports are here
_BUNDLES = {"azureml-defaults", "azureml-sdk", "azureml-dataset-runtime", "azureml-telemetry"}


class BuildFailed(Exception):
    """An environment cannot be had; the message says which package, and what the installer said."""

    kind = "ImageBuildFailure"


def interpreter(specification: Mapping[str, Any] | None, cache: Path, log: Path) -> Path:
    """Return a Python that has the packages of `specification`."""
    packages = requirements(specification)
    if not packages or all(map(_here, packages)):
        return Path(sys.executable)
    python = python_version(specification)
    digest = hashlib.sha256(json.dumps([python, sorted(packages)]).encode()).hexdigest()[:16]
    with _LOCK:  # two jobs with the same new environment build it once
        return _built(cache / digest, python, packages, log)


def requirements(specification: Mapping[str, Any] | None) -> list[str]:
    """Return what an environment asks pip for; a package of conda counts under the same name."""
    python = (specification or {}).get("python") or {}
    if python.get("userManagedDependencies"):
        return []
    dependencies = (python.get("condaDependencies") or {}).get("dependencies") or []
    return list(_names(dependencies))


def _names(dependencies: Iterable[Any]) -> Iterable[str]:
    for dependency in dependencies:
        if isinstance(dependency, dict):
            yield from (line for line in dependency.get("pip") or [] if not line.startswith("-"))
        else:
            name, _, pin = (
                dependency.partition("::")[2].partition("=")
                if "::" in dependency
                else dependency.partition("=")
            )
            if name.strip() not in ("python", "pip"):
                yield f"{name}=={pin.strip('=').partition('=')[0]}" if pin else name


def python_version(specification: Mapping[str, Any] | None) -> str:
    """Return the version of Python that an environment asks for; this one's where it says nothing."""
    python = (specification or {}).get("python") or {}
    dependencies = (python.get("condaDependencies") or {}).get("dependencies") or []
    for dependency in dependencies:
        match = (
            re.fullmatch(r"python\s*[=~]=?\s*(\d+(?:\.\d+)*).*", dependency)
            if isinstance(dependency, str)
            else None
        )
        if match:
            return ".".join(match[1].split(".")[:2])
    return _current()


def _here(requirement: str) -> bool:
    """Return whether this interpreter surely has what `requirement` asks for: a name, or one version."""
    match = re.fullmatch(r"([\w.-]+)(?:\[[^]]*\])?\s*(?:==\s*([\w.!+-]+))?", requirement.strip())
    if not match:
        return False
    if match[1].lower() in _BUNDLES and not match[2]:
        return True
    try:
        return match[2] in (None, version(match[1]))
    except PackageNotFoundError:
        return False


def _built(folder: Path, python: str, packages: list[str], log: Path) -> Path:
    interpreter_path = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if (folder / "complete").exists():
        return interpreter_path
    settings = pip_settings(Path(sys.executable))
    uv = [sys.executable, "-m", "uv", "--no-progress", "--no-config"]
    available = _uv([*uv, "python", "find", "--no-python-downloads", python], settings, log).returncode == 0
    if not available:
        _say(log, f"Python {python} is not on this machine: {_current()} is taken in its place.")
    create = [
        *uv,
        "venv",
        "--quiet",
        "--clear",
        "--python",
        python if available else sys.executable,
        str(folder),
    ]
    install = [
        *uv,
        "pip",
        "install",
        *uv_options(settings),
        "--python",
        str(interpreter_path),
        *map(_unbundled, packages),
    ]
    for command in (create, install):
        done = _uv(command, settings, log)
        if done.returncode:
            output = " ".join(done.stdout.split())[:800]
            raise BuildFailed(f"the job's environment ({', '.join(packages)}) cannot be had: {output}")
    (folder / "complete").write_text("\n".join(packages) + "\n", encoding="utf-8")
    return interpreter_path


def _uv(command: list[str], settings: dict[str, str], log: Path) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        command,
        env=installer_environment(settings),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    _say(log, f"$ {' '.join(command[2:])}\n{done.stdout}")
    return done


def _say(log: Path, text: str) -> None:
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a", encoding="utf-8") as output:
        output.write(f"{text}\n")


def _unbundled(requirement: str) -> str:
    """Return what stands for the SDK's bundles in an environment: its core, as it is here."""
    name = re.split(r"[\[=<>!~ ]", requirement, maxsplit=1)[0].lower()
    return f"azureml-core=={version('azureml-core')}" if name in _BUNDLES else requirement


def _current() -> str:
    return f"{sys.version_info.major}.{sys.version_info.minor}"
