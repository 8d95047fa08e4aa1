"""The interpreter for a job's environment: this one where its packages fit, else one built for it."""

from __future__ import annotations

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


class NotHad(Exception):
    """An environment cannot be had; the message says which package, and what the installer said."""

    kind = "ImageBuildFailure"


def interpreter(specification: Mapping[str, Any] | None, cache: Path, log: Path) -> Path:
    """Return a Python that has the packages of `specification`."""
    wanted = requirements(specification)
    if not wanted or all(map(_here, wanted)):
        return Path(sys.executable)
    python = python_version(specification)
    digest = hashlib.sha256(json.dumps([python, sorted(wanted)]).encode()).hexdigest()[:16]
    with _LOCK:  # two jobs with the same new environment build it once
        return _built(cache / digest, python, wanted, log)


def requirements(specification: Mapping[str, Any] | None) -> list[str]:
    """Return what an environment asks pip for; a package of conda counts under the same name."""
    python = (specification or {}).get("python") or {}
    if python.get("userManagedDependencies"):
        return []
    dependencies = (python.get("condaDependencies") or {}).get("dependencies") or []
    return list(_names(dependencies))


def _names(dependencies: Iterable[Any]) -> Iterable[str]:
    for one in dependencies:
        if isinstance(one, dict):
            yield from (line for line in one.get("pip") or [] if not line.startswith("-"))
        else:
            name, _, pin = one.partition("::")[2].partition("=") if "::" in one else one.partition("=")
            if name.strip() not in ("python", "pip"):
                yield f"{name}=={pin.strip('=').partition('=')[0]}" if pin else name


def python_version(specification: Mapping[str, Any] | None) -> str:
    """Return the version of Python that an environment asks for; this one's where it says nothing."""
    python = (specification or {}).get("python") or {}
    dependencies = (python.get("condaDependencies") or {}).get("dependencies") or []
    for one in dependencies:
        found = re.fullmatch(r"python\s*[=~]=?\s*(\d+(?:\.\d+)*).*", one) if isinstance(one, str) else None
        if found:
            return ".".join(found[1].split(".")[:2])
    return _current()


def _here(requirement: str) -> bool:
    """Return whether this interpreter surely has what `requirement` asks for: a name, or one version."""
    wanted = re.fullmatch(r"([\w.-]+)(?:\[[^]]*\])?\s*(?:==\s*([\w.!+-]+))?", requirement.strip())
    if not wanted:
        return False
    if wanted[1].lower() in _BUNDLES and not wanted[2]:
        return True
    try:
        return wanted[2] in (None, version(wanted[1]))
    except PackageNotFoundError:
        return False


def _built(folder: Path, python: str, wanted: list[str], log: Path) -> Path:
    found = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if (folder / "complete").exists():
        return found
    settings = pip_settings(Path(sys.executable))
    uv = [sys.executable, "-m", "uv", "--no-progress", "--no-config"]
    there = _uv([*uv, "python", "find", "--no-python-downloads", python], settings, log).returncode == 0
    if not there:
        _say(log, f"Python {python} is not on this machine: {_current()} is taken in its place.")
    place = [*uv, "venv", "--quiet", "--clear", "--python", python if there else sys.executable, str(folder)]
    install = [*uv, "pip", "install", *uv_options(settings), "--python", str(found), *map(_unbundled, wanted)]
    for words in (place, install):
        done = _uv(words, settings, log)
        if done.returncode:
            said = " ".join(done.stdout.split())[:800]
            raise NotHad(f"the job's environment ({', '.join(wanted)}) cannot be had: {said}")
    (folder / "complete").write_text("\n".join(wanted) + "\n", encoding="utf-8")
    return found


def _uv(words: list[str], settings: dict[str, str], log: Path) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        words,
        env=installer_environment(settings),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    _say(log, f"$ {' '.join(words[2:])}\n{done.stdout}")
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
