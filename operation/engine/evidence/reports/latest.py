"""Which run was the last: a symlink where the platform has them, otherwise a file that holds the id."""

import os
from pathlib import Path

NAME = "latest"


def point_latest(runs: Path, run_folder: Path) -> None:
    """Make ``runs/latest`` name `run_folder`, one of the folders of `runs`, in one step."""
    pointer, fresh = runs / NAME, runs / f".{NAME}.{os.getpid()}"
    fresh.unlink(missing_ok=True)
    try:
        fresh.symlink_to(run_folder.name, target_is_directory=True)
    except (OSError, NotImplementedError):  # Windows without the right to make symlinks
        fresh.write_text(f"{run_folder.name}\n", encoding="utf-8")
    try:
        fresh.replace(pointer)
    except PermissionError:  # Windows does not replace a symlink to a folder
        pointer.unlink()
        fresh.replace(pointer)


def latest_run(runs: Path) -> Path | None:
    """Return the folder that ``runs/latest`` names; None without one, or when it is gone."""
    pointer = runs / NAME
    try:
        name = pointer.readlink().name if pointer.is_symlink() else pointer.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    folder = runs / name.strip()
    return folder if folder.parent == runs and folder.is_dir() and folder.name != ".." else None
