"""What an honest step does not depend on, varied for one way; and which of it made a step differ."""

import os
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from operation.engine.evidence.certificate.python_changes import PYTHON_CHANGES
from operation.engine.foundation.children import environ, thread_limits
from operation.engine.foundation.errors import StepFailed
from operation.engine.foundation.layout import Layout, project
from operation.engine.identity.digests import Digests
from operation.engine.steps.runners import run_script
from operation.engine.steps.step import Plan, check_written

RANDOM = "time, process or unseeded randomness: the same conditions give other outputs too"
NOT_VARIED = (
    "the clock as code in C reads it, and for requests to Azure",
    "the processor and what chooses numerical code for it",
)
_FOLDER, _UMASK, _OUTPUTS, _OTHER = "working folder", "umask", "path of the outputs", "other variables"
_PASSED_ON = (  # what a process needs to start, and what libraries and credentials are found by
    *("PATH", "LD_", "DYLD_", "PYTHON", "VIRTUAL_ENV", "CONDA", "JAVA_HOME", "SYSTEM", "WINDIR", "COMSPEC"),
    *("OPENBLAS_", "MKL_", "OMP_", "KMP_", "GOMP_", "NPY_", "NVPL_", "BLIS_", "VECLIB_"),
    *("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "SSL_", "REQUESTS_CA", "WORKBENCH_", "MLFLOW_", "AZURE"),
)


def _time_zone() -> dict[str, str]:
    """Return a zone in which the date is not the local one."""
    ahead = datetime.now(UTC) + timedelta(hours=14)
    return {"TZ": "Etc/GMT+12" if ahead.date() == datetime.now().astimezone().date() else "Etc/GMT-14"}


def _threads() -> dict[str, str]:
    return {name: "2" if value == "1" else "1" for name, value in thread_limits(1).items()}


# What is varied -> the environment variables that vary it, given a folder for the executions.
_VARIABLES: Mapping[str, Callable[[Path], Mapping[str, str]]] = {
    _FOLDER: lambda _: {},
    "HOME": lambda folder: dict.fromkeys(("HOME", "USERPROFILE"), str(folder / "home")),
    "temporary folder": lambda folder: dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(folder / "temporary")),
    "time zone": lambda _: _time_zone(),
    "locale and default encoding": lambda _: {"LC_ALL": "C.UTF-8", "LANG": "C.UTF-8", "PYTHONUTF8": "0"},
    "hash seed": lambda _: {"PYTHONHASHSEED": "4711"},
    "number of threads": lambda _: _threads(),
    _UMASK: lambda _: {},
    "user name": lambda _: dict.fromkeys(("USER", "LOGNAME", "LNAME", "USERNAME"), "other"),
    "host name": lambda _: dict.fromkeys(("HOSTNAME", "HOST", "COMPUTERNAME"), "other"),
    "CPU count": lambda _: {},
    "clock": lambda _: {},
    "order of directory listings": lambda _: {},
    _OUTPUTS: lambda _: {},
    _OTHER: lambda _: {},
}
VARIED = tuple(_VARIABLES)


def elsewhere(folder: Path, plan: Plan, outputs: Path) -> dict[str, Any]:
    """Execute a script as a child process under varied conditions, and as usual when it fails there."""
    try:
        _execute(plan, outputs, folder, VARIED)
    except StepFailed as error:
        shutil.rmtree(outputs)
        outputs.mkdir()
        run_script(plan.contract.script, plan.local_argv(outputs))
        return {"failed_elsewhere": str(error)}
    return {}


def _execute(plan: Plan, outputs: Path, folder: Path, varied: Sequence[str]) -> None:
    for name in ("home", "temporary", "work"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    cwd = folder / "work" if _FOLDER in varied else None
    umask = 0o077 if _UMASK in varied and sys.platform != "win32" else -1
    own = Layout(project().root, folder.parent.absolute())  # what is named in ``runs/`` is found anywhere
    with environ(_variables(folder, varied), alone=True):
        run_script(plan.contract.script, list(map(own.in_runs, plan.argv(outputs))), cwd=cwd, umask=umask)
    check_written(plan, outputs)


def _variables(folder: Path, varied: Sequence[str]) -> dict[str, str]:
    """Return the whole environment of a script under conditions that are `varied`."""
    own = {name for variables in _VARIABLES.values() for name in variables(folder)} | thread_limits(1).keys()
    passed_on = {
        name: value
        for name, value in os.environ.items()
        if _OTHER not in varied or name in own or name.upper().startswith(_PASSED_ON)
    }
    python = [str(_python_changes(folder, varied)), *filter(None, [os.environ.get("PYTHONPATH")])]
    fixed = {"PYTHONHASHSEED": "0", "PYTHONPATH": os.pathsep.join(python)}
    changed = {name: value for part in varied for name, value in _VARIABLES[part](folder).items()}
    return {**passed_on, **fixed, **changed}


def _python_changes(folder: Path, varied: Sequence[str]) -> Path:
    """Write what Python executes when it starts; return the folder of it, one for each content."""
    names = [name for name in PYTHON_CHANGES if name in varied]
    target = folder / "-".join(["python", *(name.replace(" ", "_") for name in names)])
    target.mkdir(exist_ok=True)
    text = "\n".join(PYTHON_CHANGES[name] for name in names)
    (target / "sitecustomize.py").write_text(text, encoding="utf-8")
    return target


def causes(plan: Plan, folder: Path) -> list[str]:
    """Say which of the conditions the outputs of a step depend on, by a few more executions in `folder`.

    Returns names out of ``VARIED``, or ``RANDOM`` alone; none when the conditions change nothing.
    """
    usual = _outcome(plan, folder, ())
    if _outcome(plan, folder, ()) != usual:
        return [RANDOM]

    def differs(names: Sequence[str]) -> bool:
        return _outcome(plan, folder, names) != usual

    found: list[str] = []
    while (rest := [name for name in VARIED if name not in found]) and differs(rest):
        cause = _bisect(rest, differs)
        found += cause
        if len(cause) > 1:
            break
    return found


def _bisect(names: Sequence[str], differs: Callable[[Sequence[str]], bool]) -> list[str]:
    """Return the one of `names` that makes the outcome differ, or all of them when only several do."""
    rest = list(names)
    while len(rest) > 1:
        half = rest[: len(rest) // 2]
        rest = half if differs(half) else rest[len(half) :]
    return rest if differs(rest) else list(names)


def _outcome(plan: Plan, folder: Path, varied: Sequence[str]) -> object:
    """Return the digests of the outputs, or the message of the failure."""
    outputs = folder / ("other-outputs" if _OUTPUTS in varied else "outputs")
    outputs.mkdir(parents=True)
    try:
        _execute(plan, outputs, folder, varied)
        return {name: Digests(folder / "digests.db").of(outputs / name) for name in plan.contract.outputs}
    except StepFailed as error:
        return str(error)
    finally:
        shutil.rmtree(outputs)
