"""What is sent along with a step: the script and the modules that it imports, and nothing else."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

from operation.engine.layout import Layout
from operation.engine.source import dependencies


def snapshot(layout: Layout, script: Path) -> Path:
    """Return a folder with `script` and what it can come to import, flat as in ``src/``.

    Azure ML compares snapshots to decide whether a step of a pipeline is reused. Were all of ``src/``
    sent, a change of one script would execute every step again; so each step has its own, made of the
    files that its key is made of.

    Parameters
    ----------
    layout : Layout
        Snapshots are kept under its runs by their content: the same one is never copied twice.
    script : Path
        The Core Script.
    """
    files = dependencies(script)
    target = layout.runs / "snapshots" / f"{script.stem}-{_digest(files, script.parent)}"
    if not target.exists():
        partial = target.with_name(f"{target.name}.partial")
        shutil.rmtree(partial, ignore_errors=True)
        for file in files:
            place = partial / file.relative_to(script.parent)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, place)
        partial.rename(target)
    return target


def _digest(files: list[Path], folder: Path) -> str:
    whole = hashlib.sha256()
    for file in files:
        content = hashlib.sha256(file.read_bytes()).hexdigest()
        whole.update(f"{file.relative_to(folder).as_posix()}\0{content}\n".encode())
    return whole.hexdigest()[:16]
