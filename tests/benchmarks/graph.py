"""The tasks of a finished run as a graph of doit and of DVC: as many, on files as many and as large."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from operation.engine.foundation import manifest

# What a task executes before the measurement; nothing of it is measured, for nothing is out of date then.
_MAKE = """\
import shutil, sys
shutil.copytree(f"prepared/{sys.argv[1]}", f"outs/{sys.argv[1]}", dirs_exist_ok=True)
"""
_DODO = """\
import json
from pathlib import Path

DOIT_CONFIG = {"verbosity": 0}


def task_all():
    yield from json.loads(Path("tasks.json").read_text(encoding="utf-8"))
"""


@dataclass(frozen=True)
class Task:
    """One step or notebook: its files of code, a folder with what it leaves, the tasks that it reads from."""

    name: str
    sources: list[str]
    left: Path
    needs: list[str]


def write_graph(project: Path, run: Path, folder: Path) -> None:
    """Write the graph of a finished run, whose code is in `project`, into the new `folder`."""
    content = manifest.read(run / "manifest.json") or {}
    tasks = [*_steps(content, run), *_notebooks(content, run, folder)]
    for name in ("src", "notebooks"):
        shutil.copytree(project / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for task in tasks:
        shutil.copytree(task.left, folder / "prepared" / task.name)
    stages = {
        task.name: {
            "cmd": _command(task),
            "deps": [*task.sources, *(f"outs/{other}" for other in task.needs)],
            "outs": [f"outs/{task.name}"],
        }
        for task in tasks
    }
    files = {
        "make.py": _MAKE,
        "dodo.py": _DODO,
        "tasks.json": json.dumps([_doit(folder, task) for task in tasks]),
        "dvc.yaml": json.dumps({"stages": stages}, indent=1),
    }
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")


def _steps(content: Mapping[str, Any], run: Path) -> Iterator[Task]:
    records = {step["key"]: step for step in content["steps"] if step["outputs"]}
    names = _names(content)
    for key, step in records.items():
        yield Task(
            names[key],
            sorted(f"src/{name}" for name in step["components"]["sources"]),
            (run / next(iter(step["outputs"].values()))["path"]).resolve().parent,
            [name for other, name in names.items() if other != key and other in " ".join(step["argv"])],
        )


def _names(content: Mapping[str, Any]) -> dict[str, str]:
    steps = {step["key"]: step["step"] for step in content["steps"] if step["outputs"]}
    return {key: f"{number:02d}-{name}" for number, (key, name) in enumerate(steps.items())}


def _notebooks(content: Mapping[str, Any], run: Path, folder: Path) -> Iterator[Task]:
    names = _names(content)
    for entry in content["notebooks"]:
        name = entry["name"]
        left = folder / "pages" / name
        left.mkdir(parents=True)
        for file in (run / "notebooks" / f"{name}.ipynb", run / f"{name}.html"):
            shutil.copy(file, left)
        called = dict.fromkeys(step["key"] for step in content["steps"] if step["notebook"] == name)
        needs = [names[key] for key in called if key in names]
        yield Task(name, [f"notebooks/{name}.ipynb", "notebooks/core.py"], left, needs)


def _doit(folder: Path, task: Task) -> dict[str, Any]:
    """Return the task for doit, which knows files alone: those of a folder one by one."""
    read = [name for other in task.needs for name in _files(folder / "prepared" / other, f"outs/{other}")]
    left = _files(folder / "prepared" / task.name, f"outs/{task.name}")
    return {
        "name": task.name,
        "actions": [_command(task)],
        "file_dep": [*task.sources, *read],
        "targets": left,
    }


def _command(task: Task) -> str:
    return f'"{sys.executable}" make.py {task.name}'


def _files(folder: Path, prefix: str) -> list[str]:
    return sorted(
        f"{prefix}/{path.relative_to(folder).as_posix()}" for path in folder.rglob("*") if path.is_file()
    )
