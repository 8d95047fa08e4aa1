"""The tasks of a finished run as a graph of doit and of DVC: as many, on files as many and as large."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from operation.engine import manifest

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
    for task in json.loads(Path("tasks.json").read_text(encoding="utf-8")):
        command = [task["python"], "make.py", task["name"]]
        files = {"file_dep": task["files"], "targets": task["targets"]}
        yield {"name": task["name"], "actions": [command], **files}
"""


@dataclass
class Task:
    """One step or one notebook.

    Parameters
    ----------
    name : str
        Of its folders.
    sources : list of str
        The files of code that it depends on, relative to the graph's folder.
    needs : list of str
        The tasks whose outputs it reads.
    made : Path
        A folder that holds what it leaves.
    """

    name: str
    sources: list[str]
    made: Path
    needs: list[str] = field(default_factory=list)


def write_graph(project: Path, run: Path, folder: Path) -> list[Task]:
    """Write the graph of a finished run into `folder`, for doit and for DVC.

    Parameters
    ----------
    project : Path
        Where the run's code is.
    run : Path
        The run's folder.
    folder : Path
        Empty.

    Returns
    -------
    list of Task
        Each after those that it needs.
    """
    content = manifest.read(run / "manifest.json") or {}
    tasks = [*_steps(content, run), *_notebooks(content, run, folder)]
    for name in ("src", "notebooks"):
        shutil.copytree(project / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for task in tasks:
        shutil.copytree(task.made, folder / "prepared" / task.name)
    (folder / "make.py").write_text(_MAKE, encoding="utf-8")
    (folder / "dodo.py").write_text(_DODO, encoding="utf-8")
    (folder / "tasks.json").write_text(json.dumps([_doit(folder, one) for one in tasks]), encoding="utf-8")
    stages = {one.name: _dvc(one) for one in tasks}
    (folder / "dvc.yaml").write_text(json.dumps({"stages": stages}, indent=1), encoding="utf-8")
    return tasks


def _steps(content: Mapping[str, Any], run: Path) -> Iterator[Task]:
    records = {step["key"]: step for step in content["steps"] if step["outputs"]}
    names = {key: f"{number:02d}-{step['step']}" for number, (key, step) in enumerate(records.items())}
    for key, step in records.items():
        yield Task(
            names[key],
            sorted(f"src/{name}" for name in step["components"]["sources"]),
            (run / next(iter(step["outputs"].values()))["path"]).resolve().parent,
            [name for other, name in names.items() if other != key and other in " ".join(step["argv"])],
        )


def _notebooks(content: Mapping[str, Any], run: Path, folder: Path) -> Iterator[Task]:
    keys = list(dict.fromkeys(step["key"] for step in content["steps"] if step["outputs"]))
    for entry in content["notebooks"]:
        made = folder / "pages" / entry["name"]
        made.mkdir(parents=True)
        for file in (run / "notebooks" / f"{entry['name']}.ipynb", run / f"{entry['name']}.html"):
            shutil.copy(file, made)
        called = {step["key"]: step["step"] for step in content["steps"] if step["notebook"] == entry["name"]}
        needs = [f"{keys.index(key):02d}-{step}" for key, step in called.items() if key in keys]
        yield Task(entry["name"], [f"notebooks/{entry['name']}.ipynb", "notebooks/core.py"], made, needs)


def _doit(folder: Path, task: Task) -> dict[str, Any]:
    """Return the task for doit, which knows files alone: those of a folder one by one."""
    read = [name for other in task.needs for name in _files(folder / "prepared" / other, f"outs/{other}")]
    made = _files(folder / "prepared" / task.name, f"outs/{task.name}")
    return {"name": task.name, "python": sys.executable, "files": [*task.sources, *read], "targets": made}


def _files(folder: Path, prefix: str) -> list[str]:
    found = sorted(path for path in folder.rglob("*") if path.is_file())
    return [f"{prefix}/{path.relative_to(folder).as_posix()}" for path in found]


def _dvc(task: Task) -> dict[str, Any]:
    return {
        "cmd": f'"{sys.executable}" make.py {task.name}',
        "deps": [*task.sources, *(f"outs/{other}" for other in task.needs)],
        "outs": [f"outs/{task.name}"],
    }
