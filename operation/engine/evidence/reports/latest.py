"""Which run was the last: a symlink where the platform has them, otherwise a file that holds the id."""

from __future__ import annotations

import os
from pathlib import Path

NAME = "latest"


def point_latest(runs: Path, run_folder: Path) -> None:
    """Make ``runs/latest`` name `run_folder`, in one step.

    Parameters
    ----------
    runs : Path
        The folder of all runs.
    run_folder : Path
        One of its folders.
    """
    pointer = runs / NAME
    fresh = runs / f".{NAME}.{os.getpid()}"
    fresh.unlink(missing_ok=True)
    try:
        fresh.symlink_to(run_folder.name, target_is_directory=True)
    except (OSError, NotImplementedError):  # Windows without the right to make symlinks
        fresh.write_text(f"{run_folder.name}\n", encoding="utf-8")
    try:
        os.replace(fresh, pointer)  # noqa: PTH105  (atomic, and replaces what is there)
    except PermissionError:  # Windows does not replace a symlink to a folder
        pointer.unlink()
        os.replace(fresh, pointer)  # noqa: PTH105


def latest_run(runs: Path) -> Path | None:
    """Return the folder that ``runs/latest`` names; None without one, or when it is gone.

    Parameters
    ----------
    runs : Path
        The folder of all runs.
    """
    pointer = runs / NAME
    try:
        name = (
            pointer.readlink().name if pointer.is_symlink() else pointer.read_text(encoding="utf-8").strip()
        )
    except (OSError, UnicodeDecodeError):
        return None
    folder = runs / name
    return folder if name and name == Path(name).name and folder.is_dir() else None
