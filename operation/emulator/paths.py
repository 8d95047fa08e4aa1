"""Names and paths that a client chose, checked before they become names and paths of files."""

import os
from pathlib import Path, PureWindowsPath

from operation.emulator.errors import HttpError

LONGEST = 240  # bytes of a name: file systems keep 255, and a suffix of ours must fit
LONGEST_PATH = 1024  # letters: Azure's limit for the name of a blob


def file_name(name: str, what: str) -> str:
    """Return `name`, which is to be one file or folder; refuse what would be anything else."""
    ends_badly, has_separator = name != name.rstrip(". "), set(name) & set("/\\")
    if not name or ends_badly or has_separator or any(ord(character) < 32 for character in name):
        raise HttpError(f"{name!r} cannot name {what}: use letters, digits, '-' and '_'", "InvalidUri")
    if _is_device(name):
        raise HttpError(f"{name!r} cannot name {what}: Windows has a device or drive so named", "InvalidUri")
    if len(os.fsencode(name.encode("utf-8", "replace").decode())) > LONGEST:
        raise HttpError(f"The name of {what} is longer than {LONGEST} bytes: {name[:40]}...", "InvalidUri")
    return name


def _is_device(name: str) -> bool:
    return PureWindowsPath(name).is_reserved() or PureWindowsPath(name).drive != ""


def inside(root: Path, path: str, what: str) -> Path:
    """Return the file `path` below `root`; refuse a path that leads out of it, over a link too."""
    names = [name for name in path.split("/") if name not in ("", ".")]
    if len(path) > LONGEST_PATH:
        raise HttpError(f"A path in {what} has at most {LONGEST_PATH} letters, not {len(path)}", "InvalidUri")
    outside = HttpError(f"The path {path} leads out of {what}", "InvalidUri")
    if path.startswith("/") or ".." in names:
        raise outside
    target = root.joinpath(*(file_name(name, f"a file of {what}") for name in names))
    if not target.resolve().is_relative_to(root.resolve()):
        raise outside
    return target
