"""Files that lay outside of the project: a replay reads the capsule's copies, whatever path led to them."""

import json
import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from operation.engine.evidence.capsule import outside_hook
from operation.engine.evidence.capsule.unpack import run_folder
from operation.engine.foundation.layout import Layout
from operation.engine.identity.opened import LOOKED_FOR, read_notebook_record

FOLDER = "outside"  # of the restored project: the copies, each below it at its own path


def redirect(layout: Layout, content: Mapping[str, Any]) -> list[Path]:
    """Return what ``PYTHONPATH`` begins with, so that Python finds what lay outside of the project.

    Parameters
    ----------
    layout : Layout
        The restored project.
    content : Mapping[str, Any]
        The capsule's ``capsule.json``.
    """
    files = {path for path, member in content["moved"].items() if _copied(layout, path, member)}
    if not files:
        return []
    folder = layout.runs / ".outside"  # hidden: its frames are none of the project
    folder.mkdir(parents=True, exist_ok=True)
    parents = {str(parent) for path in files for parent in Path(path).parents[:-1]}
    listed = _listed(layout, content["error"]["notebook"]) & parents
    absent = {parent for parent in parents if not Path(parent).exists()}
    known = {path: str(_copy(layout, path)) for path in {*files, *listed, *absent}}
    below = {_here(layout, content["root"], path): known[path] for path in {*files, *listed}}
    (folder / "outside.json").write_text(json.dumps({**below, **known}), encoding="utf-8")
    shutil.copyfile(outside_hook.__file__, folder / "sitecustomize.py")
    return [folder]


def _listed(layout: Layout, notebook: str) -> set[str]:
    """Return the folders that the notebook listed where it ran."""
    try:
        opened = read_notebook_record(run_folder(layout), notebook)
        return {name[:-1] for name in opened if name.endswith("/") and not name.endswith(LOOKED_FOR)}
    except (ValueError, TypeError, AttributeError):  # a stranger may have written it
        return set()


def _copied(layout: Layout, path: str, member: str) -> bool:
    """Copy a restored file to its absolute path below `FOLDER`, and tell whether that was possible."""
    source, copy = layout.root / member, _copy(layout, path)
    if not path.startswith("/") or path != os.path.normpath(path) or not source.is_file():
        return False
    with suppress(OSError):  # a stranger may have chosen the names
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, copy)
        return True
    return False


def _copy(layout: Layout, path: str) -> Path:
    return layout.root / FOLDER / path.lstrip("/")


def _here(layout: Layout, root: str, path: str) -> str:
    """Return where a path that starts from the root, which was `root`, leads in the restored project."""
    return os.path.normpath(layout.root / os.path.relpath(path, root))
